//! What is wrong with a request, collected value by value.

use super::{Checked, Error, FieldError, Result};

/// What is wrong with the values of one request, in the order in which they are checked: the caller
/// is told everything at once.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<FieldError>);

impl Errors {
    /// The value, if it is acceptable; else its error is added.
    pub(crate) fn take<T>(&mut self, checked: Checked<T>) -> Option<T> {
        checked.map_err(|error| self.push(error)).ok()
    }

    /// The value, if it is acceptable; else all of its errors are added.
    ///
    /// # Errors
    /// An error that is not about values.
    pub(crate) fn take_all<T>(&mut self, parsed: Result<T>) -> Result<Option<T>> {
        match parsed {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.fields.is_empty() => Err(error),
            Err(error) => {
                self.extend(error.fields.iter().cloned());
                Ok(None)
            }
        }
    }

    /// The value that `parse` makes of `given`. It is none where nothing is given, and where it is
    /// wrong: then its error is added.
    pub(crate) fn read<T>(
        &mut self,
        given: Option<String>,
        parse: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<T> {
        self.take(parse(&given?))
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Whether nothing is wrong so far.
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What `make` makes of the values that were taken, if nothing is wrong. It returns none where
    /// a value is missing, which only happens after an error.
    ///
    /// # Errors
    /// [`super::Code::ValidationFailed`] with everything that is wrong.
    pub(crate) fn finish<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T> {
        self.check()?;
        make().ok_or_else(|| Error::internal("a value without an error is missing"))
    }

    /// Checks that nothing is wrong.
    ///
    /// # Errors
    /// [`super::Code::ValidationFailed`] with everything that is wrong.
    pub(crate) fn check(self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::validation(self.0))
        }
    }
}

impl Extend<FieldError> for Errors {
    fn extend<I: IntoIterator<Item = FieldError>>(&mut self, errors: I) {
        self.0.extend(errors);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Code, FieldCode};
    use super::*;

    /// An error at `pointer`.
    fn wrong(pointer: &'static str) -> FieldError {
        FieldError::new(pointer, FieldCode::Required, "it must be there")
    }

    #[test]
    fn every_error_is_told_in_the_order_in_which_it_was_added() {
        let mut errors = Errors::default();
        assert_eq!(errors.take(Ok(1)), Some(1));
        assert_eq!(errors.take::<i32>(Err(wrong("/b"))), None);
        errors.extend([wrong("/c"), wrong("/a")]);
        errors.push(wrong("/d"));
        let error = errors.finish(|| Some(())).expect_err("they are wrong");
        let pointers: Vec<_> = error.fields.iter().map(|field| &*field.pointer).collect();
        assert_eq!(
            (error.code, pointers),
            (Code::ValidationFailed, vec!["/b", "/c", "/a", "/d"])
        );
    }

    #[test]
    fn what_is_not_given_is_none_and_no_error() {
        let mut errors = Errors::default();
        let parse = |text: &str| text.parse::<u8>().map_err(|_| wrong("/n"));
        assert_eq!(errors.read(None, parse), None);
        assert_eq!(errors.read(Some("7".to_owned()), parse), Some(7));
        assert!(errors.is_empty());
        assert_eq!(errors.read(Some("x".to_owned()), parse), None);
        assert!(!errors.is_empty());
    }

    #[test]
    fn without_an_error_the_values_are_put_together() {
        let mut errors = Errors::default();
        let (one, two) = (errors.take(Ok(1)), errors.take(Ok(2)));
        assert_eq!(
            errors.finish(|| Some(one? + two?)).expect("both are fine"),
            3
        );
    }
}
