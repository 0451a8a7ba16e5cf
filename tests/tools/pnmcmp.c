/* SPDX-License-Identifier: MIT
 *
 * pnmcmp [--rms] GOT EXPECTED: compares two PGM or PPM files; says where the
 * first difference is and exits with 1, or prints the root mean square error.
 */
#include "pnm.h"

int main(int argc, char **argv)
{
	bool rms = argc == 4 && g_str_equal(argv[1], "--rms");
	if (argc != 3 && !rms)
		die("usage: pnmcmp [--rms] GOT EXPECTED");
	Pnm got = pnm_map(argv[argc - 2]), want = pnm_map(argv[argc - 1]);
	if (got.width != want.width || got.height != want.height || got.bands != want.bands) {
		printf("%s is %" PRId64 "x%" PRId64 "x%d, expected %" PRId64 "x%" PRId64 "x%d\n", argv[argc - 2],
		       got.width, got.height, got.bands, want.width, want.height, want.bands);
		return 1;
	}
	Difference difference = {0};
	size_t row_bytes = (size_t)(got.width * got.bands);
	for (int64_t y = 0; y < got.height; y++)
		difference_add_row(&difference, got.samples + y * row_bytes, want.samples + y * row_bytes, got.width,
		                   got.bands, 0, y);
	if (rms)
		printf("%.6f\n", difference_rms(&difference));
	else
		difference_print(&difference, got.bands, 0, 0);
	return !rms && difference.n_different > 0;
}
