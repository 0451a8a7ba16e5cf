/* SPDX-License-Identifier: MIT
 *
 * randread FILE COPY PROCESSES READS SEED: processes that read random lengths
 * at random places of FILE, by pread, through mmap and past the page cache,
 * and compare every byte with COPY.  The first mismatch is told and fatal.
 */
#include "pnm.h"
#include <sys/wait.h>

typedef struct {
	const char *path;
	const uint8_t *copy; /* the whole COPY, mapped */
	off_t size;
	int buffered, direct;
	GRand *random;
	uint8_t *buffer;
} Reader;

enum { LARGEST_READ = 1 << 20 };

static void compare(const Reader *reader, const uint8_t *got, off_t offset, size_t length, const char *how)
{
	for (size_t i = 0; i < length; i++)
		if (got[i] != reader->copy[offset + (off_t)i])
			die("%s of %zu bytes at %jd: byte %jd is %d, expected %d", how, length, (intmax_t)offset,
			    (intmax_t)offset + (intmax_t)i, got[i], reader->copy[offset + (off_t)i]);
}

static void read_once(const Reader *reader)
{
	/* lengths of all magnitudes; a double is fine for a place, any place will do */
	size_t length = (size_t)g_rand_int_range(reader->random, 1, 2 << g_rand_int_range(reader->random, 0, 20));
	off_t offset = (off_t)g_rand_double_range(reader->random, 0, (double)reader->size);
	int way = g_rand_int_range(reader->random, 0, 10);
	length = (size_t)MIN((off_t)length, reader->size - offset);
	if (way == 0) {
		off_t start = offset & ~(off_t)4095;
		uint8_t *map = mmap(NULL, length + (size_t)(offset - start), PROT_READ, MAP_SHARED, reader->buffered, start);
		if (map == MAP_FAILED)
			die("mmap: %s", g_strerror(errno));
		compare(reader, map + (offset - start), offset, length, "mmap");
		munmap(map, length + (size_t)(offset - start));
		return;
	}
	bool direct = way == 1 && reader->direct >= 0;
	size_t asked = length;
	if (direct) { /* whole pages, as disks want it, also past the end of the file */
		offset &= ~(off_t)4095;
		asked = (length + 4095) & ~(size_t)4095;
		length = (size_t)MIN((off_t)asked, reader->size - offset);
	}
	ssize_t got = pread(direct ? reader->direct : reader->buffered, reader->buffer, asked, offset);
	if (got < 0 || (size_t)got != length)
		die("pread of %zu bytes at %jd: %zd, %s", asked, (intmax_t)offset, got, g_strerror(errno));
	compare(reader, reader->buffer, offset, length, direct ? "direct pread" : "pread");
}

static void run(Reader *reader, int n_reads, guint32 seed)
{
	reader->random = g_rand_new_with_seed(seed);
	reader->buffer = aligned_alloc(4096, LARGEST_READ);
	if (!reader->buffer)
		die("no memory");
	reader->buffered = open(reader->path, O_RDONLY | O_CLOEXEC);
	reader->direct = open(reader->path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (reader->buffered < 0)
		die("%s: %s", reader->path, g_strerror(errno));
	for (int i = 0; i < n_reads; i++)
		read_once(reader);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		die("usage: randread FILE COPY PROCESSES READS SEED");
	int n_processes = (int)g_ascii_strtoll(argv[3], NULL, 10), n_reads = (int)g_ascii_strtoll(argv[4], NULL, 10);
	guint32 seed = (guint32)g_ascii_strtoull(argv[5], NULL, 10);
	struct stat info, copy_info;
	int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (stat(argv[1], &info) != 0 || fd < 0 || fstat(fd, &copy_info) != 0)
		die("%s or %s: %s", argv[1], argv[2], g_strerror(errno));
	if (info.st_size != copy_info.st_size)
		die("%s has %jd bytes, the copy %jd", argv[1], (intmax_t)info.st_size, (intmax_t)copy_info.st_size);
	Reader reader = {.path = argv[1], .size = info.st_size};
	reader.copy = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (reader.copy == MAP_FAILED)
		die("%s: %s", argv[2], g_strerror(errno));
	for (int i = 0; i < n_processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork: %s", g_strerror(errno));
		if (pid == 0) {
			run(&reader, n_reads, seed + (guint32)i);
			return 0;
		}
	}
	int n_failed = 0, status = 0;
	while (wait(&status) > 0)
		n_failed += status != 0;
	printf("%d processes, %d reads each, %d failed\n", n_processes, n_reads, n_failed);
	return n_failed > 0;
}
