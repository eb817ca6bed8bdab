// Prints where the program of this platform is.
const platform = `${process.platform}-${process.arch}`;
for (const name of [platform, `${platform}-musl`]) {
  try {
    console.log(require.resolve(`@invited/${name}/invited`));
    process.exit();
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
  }
}
console.error(
  `invited: the package @invited/${platform} with the program is not installed.\n` +
    "It is an optional dependency: install without --omit=optional, on a platform that has one.",
);
process.exit(1);
