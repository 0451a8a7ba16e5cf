/* SPDX-License-Identifier: MIT
 *
 * extents FILE [COPY]: what SEEK_DATA and SEEK_HOLE say of FILE, as lines
 * "data START END" and "hole START END".  With COPY, a file with the same
 * bytes but without holes, every hole must be zeros there.
 */
#include "pnm.h"

static void check_zeros(int fd, off_t start, off_t end)
{
	static uint8_t buffer[1 << 20];
	while (start < end) {
		ssize_t got = pread(fd, buffer, (size_t)MIN(end - start, (off_t)sizeof buffer), start);
		if (got <= 0)
			die("the copy cannot be read at %jd", (intmax_t)start);
		for (ssize_t i = 0; i < got; i++)
			if (buffer[i] != 0)
				die("byte %jd is %d and said to be in a hole", (intmax_t)start + i, buffer[i]);
		start += got;
	}
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3)
		die("usage: extents FILE [COPY]");
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	int copy = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	struct stat info;
	if (fd < 0 || fstat(fd, &info) != 0 || (argc == 3 && copy < 0))
		die("%s: %s", argv[1], g_strerror(errno));
	off_t at = 0;
	while (at < info.st_size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			die("SEEK_DATA at %jd: %s", (intmax_t)at, g_strerror(errno));
		off_t hole_end = data < 0 ? info.st_size : data;
		if (hole_end < at || hole_end > info.st_size)
			die("SEEK_DATA at %jd: %jd", (intmax_t)at, (intmax_t)hole_end);
		if (hole_end > at)
			printf("hole %jd %jd\n", (intmax_t)at, (intmax_t)hole_end);
		if (copy >= 0)
			check_zeros(copy, at, hole_end);
		if (data < 0)
			break;
		off_t end = lseek(fd, data, SEEK_HOLE);
		if (end <= data || end > info.st_size)
			die("SEEK_HOLE at %jd: %jd", (intmax_t)data, (intmax_t)end);
		printf("data %jd %jd\n", (intmax_t)data, (intmax_t)end);
		at = end;
	}
	return 0;
}
