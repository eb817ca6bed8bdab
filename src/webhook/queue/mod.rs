//! The queue of deliveries: what waits, in which order it goes, and what becomes of a try. [`store`] is its SQL, [`turns`] the
//! order.

pub mod store;
pub mod turns;
