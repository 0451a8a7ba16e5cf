/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share.  A target is one file here that defines
 * LLVMFuzzerTestOneInput(); `make fuzz` links it with libFuzzer, make check
 * with replay.c, which runs the saved corpus.  What a target finds wrong ends
 * the program: an assertion, a sanitizer, a time limit, or too much memory.
 */
#pragma once
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tiffuse/error.h>
#include <tiffuse/log.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, and so does libFuzzer then keep the input. */
#define fuzz_assert(condition)                                                                \
	do {                                                                                       \
		if (!(condition)) {                                                                    \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);          \
			abort();                                                                           \
		}                                                                                      \
	} while (0)

/* Failed or not, as the contract of errors says: exactly one. */
static inline void fuzz_check_error(bool ok, const GError *error)
{
	fuzz_assert(ok == (error == NULL));
	if (ok)
		return;
	fuzz_assert(error->domain == TF_ERROR && *error->message);
}

/* --- taking an input apart ---------------------------------------------------- */

typedef struct {
	const uint8_t *at;
	size_t left;
} FuzzInput;

/* The next number of so many bytes; zeros follow the end. */
static inline uint64_t fuzz_number(FuzzInput *input, size_t bytes)
{
	uint64_t value = 0;
	size_t n = MIN(bytes, input->left);
	memcpy(&value, input->at, n);
	input->at += n;
	input->left -= n;
	return value;
}

/* --- a folder in memory ----------------------------------------------------------- */

static inline int fuzz_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return ftw->level > 0 ? remove(path) : 0;
}

static char fuzz_folder_path[] = "/dev/shm/tiffuse-fuzz-XXXXXX";

static inline void fuzz_empty_folder(void)
{
	nftw(fuzz_folder_path, fuzz_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_drop_folder(void)
{
	fuzz_empty_folder();
	rmdir(fuzz_folder_path);
}

/* The scratch folder, made once; quiet from then on. */
static inline const char *fuzz_folder(void)
{
	static bool made;
	if (!made) {
		fuzz_assert(g_mkdtemp(fuzz_folder_path));
		tf_log_set_level(TF_LOG_ERROR);
		atexit(fuzz_drop_folder);
		made = true;
	}
	return fuzz_folder_path;
}

static inline bool fuzz_write(const char *path, const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool ok = fd >= 0 && write(fd, data, length) == (ssize_t)length;
	if (fd >= 0)
		close(fd);
	return ok;
}
