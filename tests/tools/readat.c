/* SPDX-License-Identifier: MIT
 *
 * readat pread|direct|mmap FILE OFFSET LENGTH: exactly these bytes to stdout,
 * by one pread of a file just opened, the same past the page cache, or by
 * touching a mapping of them from the first byte to the last.  (dd and python
 * read more than they are asked for.)
 */
#include "pnm.h"

static bool read_by_pread(int fd, off_t offset, size_t length, uint8_t *buffer)
{
	ssize_t got = pread(fd, buffer, length, offset);
	if (got < 0)
		perror("pread");
	else if ((size_t)got != length)
		fprintf(stderr, "pread: %zd of %zu bytes\n", got, length);
	return got >= 0 && (size_t)got == length;
}

static bool read_by_mmap(int fd, off_t offset, size_t length, uint8_t *buffer)
{
	off_t start = offset & ~(off_t)(sysconf(_SC_PAGESIZE) - 1);
	size_t before = (size_t)(offset - start);
	void *map = mmap(NULL, before + length, PROT_READ, MAP_SHARED, fd, start);
	if (map == MAP_FAILED) {
		perror("mmap");
		return false;
	}
	memcpy(buffer, (uint8_t *)map + before, length);
	munmap(map, before + length);
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 5 || !g_strv_contains((const char *const[]){"pread", "direct", "mmap", NULL}, argv[1]))
		die("usage: readat pread|direct|mmap FILE OFFSET LENGTH");
	off_t offset = (off_t)g_ascii_strtoull(argv[3], NULL, 10);
	size_t length = (size_t)g_ascii_strtoull(argv[4], NULL, 10);
	g_autofree uint8_t *buffer = g_malloc(length);
	int fd = open(argv[2], O_RDONLY | O_CLOEXEC | (argv[1][0] == 'd' ? O_DIRECT : 0));
	if (fd < 0)
		die("%s: %s", argv[2], g_strerror(errno));
	bool good = argv[1][0] == 'm' ? read_by_mmap(fd, offset, length, buffer)
	                              : read_by_pread(fd, offset, length, buffer);
	close(fd);
	return !good || fwrite(buffer, 1, length, stdout) != length || fflush(stdout) != 0;
}
