/* SPDX-License-Identifier: MIT */
#include <tiffuse/io.h>

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <unistd.h>

bool tf_pread_all(int fd, void *to, size_t length, uint64_t offset)
{
	for (uint8_t *at = to; length > 0;) {
		ssize_t got = pread(fd, at, length, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = ENODATA;
		if (got <= 0)
			return false;
		at += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return true;
}

bool tf_pwrite_all(int fd, const void *from, size_t length, uint64_t offset)
{
	for (const uint8_t *at = from; length > 0;) {
		ssize_t put = pwrite(fd, at, length, (off_t)offset);
		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return false;
		at += put;
		offset += (uint64_t)put;
		length -= (size_t)put;
	}
	return true;
}

int tf_open_unlinked(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	/* what a file system or kernel without O_TMPFILE says */
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	g_autofree char *name = g_build_filename(folder, "tiffuse-XXXXXX", NULL);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}
