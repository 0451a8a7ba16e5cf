/* SPDX-License-Identifier: MIT
 *
 * soakread FILE COPY SECONDS SEED TROUBLE: reads random lengths at random
 * places of FILE by pread, mmap, O_DIRECT, sendfile and splice, and compares
 * every byte with COPY ("-": no comparison).  Goes on after an error, and opens
 * the file again when the mount was lost.
 *
 * While the file TROUBLE exists somebody spoils sources or kills daemons:
 * errors of reads that began or ended then are expected.  At the end one line
 * for each way: name, reads, bytes compared, mismatches, errors expected,
 * errors that have no excuse.  Exit code 1 if there were any of the latter or
 * mismatches.
 */
#include "pnm.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/sendfile.h>

enum { LARGEST_READ = 1 << 20, PAGE = 4096, REOPEN_MS = 50, FORGET_EVERY = 40 };
typedef enum { PREAD, MMAP, DIRECT, SENDFILE, SPLICE, N_WAYS } Way;

static const char *const way_names[N_WAYS] = {"pread", "mmap", "O_DIRECT", "sendfile", "splice"};

typedef struct {
	uint64_t reads, bytes, mismatches, expected, unexcused;
} Count;

typedef struct {
	const char *path, *trouble;
	const uint8_t *copy; /* or NULL */
	off_t size;
	int buffered, direct, sink, pipe[2];
	uint8_t *buffer;
	GRand *random;
	Count count[N_WAYS];
} Soak;

static sigjmp_buf on_bus_error;

static void jump(int number)
{
	siglongjmp(on_bus_error, 1);
}

/* --- one read: the number of bytes in the buffer, or -1 with errno -------------------- */

static ssize_t read_mapped(Soak *soak, size_t length, off_t offset)
{
	off_t start = offset & ~(off_t)(PAGE - 1);
	size_t mapped = length + (size_t)(offset - start);
	uint8_t *map = mmap(NULL, mapped, PROT_READ, MAP_SHARED, soak->buffered, start);
	if (map == MAP_FAILED)
		return -1;
	volatile ssize_t got = (ssize_t)length;
	if (sigsetjmp(on_bus_error, 1) == 0)
		memcpy(soak->buffer, map + (offset - start), length);
	else
		got = -1;
	munmap(map, mapped);
	errno = EIO;
	return got;
}

static ssize_t read_by_sendfile(Soak *soak, size_t length, off_t offset)
{
	if (ftruncate(soak->sink, 0) != 0 || lseek(soak->sink, 0, SEEK_SET) != 0)
		die("memfd: %s", g_strerror(errno));
	ssize_t got = sendfile(soak->sink, soak->buffered, &offset, length);
	return got <= 0 ? got : pread(soak->sink, soak->buffer, (size_t)got, 0);
}

static ssize_t read_by_splice(Soak *soak, size_t length, off_t offset)
{
	ssize_t got = splice(soak->buffered, &offset, soak->pipe[1], NULL, MIN(length, 32768), 0);
	for (ssize_t at = 0; at < got;) {
		ssize_t n = read(soak->pipe[0], soak->buffer + at, (size_t)(got - at));
		if (n < 0 && errno != EINTR) { /* the pipe holds pages that could not be read */
			int reason = errno;
			close(soak->pipe[0]);
			close(soak->pipe[1]);
			if (pipe2(soak->pipe, O_CLOEXEC) != 0)
				die("pipe: %s", g_strerror(errno));
			errno = reason;
			return -1;
		}
		at += MAX(n, 0);
	}
	return got;
}

static ssize_t read_way(Soak *soak, Way way, size_t length, off_t offset)
{
	switch (way) {
	case MMAP:
		return read_mapped(soak, length, offset);
	case DIRECT:
		return pread(soak->direct, soak->buffer, (length + PAGE - 1) & ~(size_t)(PAGE - 1), offset);
	case SENDFILE:
		return read_by_sendfile(soak, length, offset);
	case SPLICE:
		return read_by_splice(soak, length, offset);
	default:
		return pread(soak->buffered, soak->buffer, length, offset);
	}
}

/* --- many -------------------------------------------------------------------------------- */

static bool in_trouble(const Soak *soak)
{
	return access(soak->trouble, F_OK) == 0;
}

static void compare(Soak *soak, Way way, size_t got, off_t offset)
{
	Count *count = &soak->count[way];
	got = MIN(got, (size_t)(soak->size - offset));
	count->bytes += got;
	if (!soak->copy || memcmp(soak->buffer, soak->copy + offset, got) == 0)
		return;
	size_t i = 0;
	while (soak->buffer[i] == soak->copy[offset + (off_t)i])
		i++;
	count->mismatches++;
	fprintf(stderr, "%s of %zu bytes at %jd: byte %zu is %d, expected %d\n", way_names[way], got, (intmax_t)offset, i,
	        soak->buffer[i], soak->copy[offset + (off_t)i]);
}

/* Short answers go on where they ended; only an error or the end stops that. */
static bool read_range(Soak *soak, Way way, size_t length, off_t offset)
{
	while (length > 0) {
		ssize_t got = read_way(soak, way, length, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0) {
			soak->count[way].mismatches++;
			fprintf(stderr, "%s at %jd: the file ends, %zu bytes early\n", way_names[way], (intmax_t)offset, length);
			return true;
		}
		compare(soak, way, (size_t)got, offset);
		length -= MIN((size_t)got, length);
		offset += got;
	}
	return true;
}

static bool open_all(Soak *soak)
{
	soak->buffered = open(soak->path, O_RDONLY | O_CLOEXEC);
	soak->direct = open(soak->path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	return soak->buffered >= 0 && soak->direct >= 0;
}

/* The mount is gone, or it is another. */
static void reopen(Soak *soak, gint64 end)
{
	do {
		close(soak->buffered);
		close(soak->direct);
		g_usleep(REOPEN_MS * 1000);
	} while (!open_all(soak) && g_get_monotonic_time() < end);
}

static void read_once(Soak *soak, gint64 end)
{
	Way way = (Way)g_rand_int_range(soak->random, 0, N_WAYS);
	size_t length = (size_t)g_rand_int_range(soak->random, 1, 2 << g_rand_int_range(soak->random, 0, 20));
	off_t offset = (off_t)g_rand_double_range(soak->random, 0, (double)soak->size);
	if (way == DIRECT)
		offset &= ~(off_t)(PAGE - 1);
	length = (size_t)MIN((off_t)length, soak->size - offset);
	bool excused = in_trouble(soak);
	soak->count[way].reads++;
	if (read_range(soak, way, length, offset))
		return;
	int reason = errno;
	excused = excused || in_trouble(soak);
	soak->count[way].expected += excused;
	soak->count[way].unexcused += !excused;
	if (!excused)
		fprintf(stderr, "%s of %zu bytes at %jd: %s\n", way_names[way], length, (intmax_t)offset, g_strerror(reason));
	if (reason != EIO)
		reopen(soak, end);
}

static int tell(const Soak *soak)
{
	bool bad = false;
	for (int way = 0; way < N_WAYS; way++) {
		const Count *c = &soak->count[way];
		printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", way_names[way], c->reads, c->bytes,
		       c->mismatches, c->expected, c->unexcused);
		bad = bad || c->mismatches || c->unexcused;
	}
	return bad;
}

static void prepare(Soak *soak, const char *copy)
{
	struct stat info, copy_info;
	struct sigaction bus = {.sa_handler = jump};
	sigaction(SIGBUS, &bus, NULL);
	soak->buffer = aligned_alloc(PAGE, LARGEST_READ + PAGE);
	soak->sink = memfd_create("soakread", MFD_CLOEXEC);
	if (!soak->buffer || soak->sink < 0 || pipe2(soak->pipe, O_CLOEXEC) != 0 || !open_all(soak) ||
	    fstat(soak->buffered, &info) != 0)
		die("%s: %s", soak->path, g_strerror(errno));
	soak->size = info.st_size;
	if (strcmp(copy, "-") == 0)
		return;
	int fd = open(copy, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &copy_info) != 0 || copy_info.st_size != info.st_size)
		die("%s: not a copy of %s", copy, soak->path);
	soak->copy = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (soak->copy == MAP_FAILED)
		die("%s: %s", copy, g_strerror(errno));
}

int main(int argc, char **argv)
{
	if (argc != 6)
		die("usage: soakread FILE COPY SECONDS SEED TROUBLE");
	gint64 end = g_get_monotonic_time() + g_ascii_strtoll(argv[3], NULL, 10) * G_TIME_SPAN_SECOND;
	Soak soak = {.path = argv[1], .trouble = argv[5]};
	soak.random = g_rand_new_with_seed((guint32)g_ascii_strtoull(argv[4], NULL, 10));
	prepare(&soak, argv[2]);
	for (unsigned i = 1; g_get_monotonic_time() < end; i++) {
		read_once(&soak, end);
		if (i % FORGET_EVERY == 0) /* or the kernel would soon answer all by itself */
			posix_fadvise(soak.buffered, 0, 0, POSIX_FADV_DONTNEED);
	}
	return tell(&soak);
}
