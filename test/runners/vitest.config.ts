/** For Vitest: the one file, where it lies when it is built. */
export default {
  test: { include: ['dist/test/runners/with-vitest.js'], exclude: [], globals: true, watch: false },
};
