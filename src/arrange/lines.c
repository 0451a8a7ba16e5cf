/* SPDX-License-Identifier: MIT */
#include "lines.h"
#include <tiffuse/util.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD_BYTES = 64 * 1024, MAX_BYTES = 1 << 30 };

void tf_lines_free(TfLines *lines)
{
	g_free(lines->path);
	g_free(lines->text);
	g_free(lines);
}

/* O_NONBLOCK, so that a FIFO with the right name cannot stop the program. */
static int open_regular(const char *path, size_t *size, GError **error)
{
	tf_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		tf_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		g_set_error(error, TF_ERROR, TF_ERROR_ACCESS, "%s: not a regular file", path);
		return -1;
	}
	*size = MIN((uint64_t)st.st_size, (uint64_t)MAX_BYTES + 1);
	return tf_steal_fd(&fd);
}

static bool read_all(int fd, TfLines *lines, size_t size, size_t *got, GError **error)
{
	lines->text = g_try_malloc(size + 1);
	if (!lines->text)
		return tf_error_set_errno(error, ENOMEM, "%s", lines->path);
	for (*got = 0; *got < size;) {
		ssize_t n = read(fd, lines->text + *got, size - *got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tf_error_set_errno(error, errno, "%s", lines->path);
		if (n == 0)
			break;
		*got += n;
	}
	lines->text[*got] = '\0';
	return true;
}

static bool check_text(TfLines *lines, size_t size, GError **error)
{
	const char *reason = NULL;
	if (size >= 2 && (!memcmp(lines->text, "\xff\xfe", 2) || !memcmp(lines->text, "\xfe\xff", 2)))
		reason = "UTF-16 text, expected UTF-8";
	else if (memchr(lines->text, '\0', size))
		reason = "not a text file";
	if (reason) {
		g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s", lines->path, reason);
		return false;
	}
	lines->next = lines->text + (g_str_has_prefix(lines->text, "\xef\xbb\xbf") ? 3 : 0);
	return true;
}

static TfLines *open_lines(const char *path, bool head, GError **error)
{
	size_t size = 0, got = 0;
	tf_autofd int fd = open_regular(path, &size, error);
	if (fd < 0)
		return NULL;
	if (size > MAX_BYTES && !head) {
		g_set_error(error, TF_ERROR, TF_ERROR_TOO_LARGE, "%s: larger than 1 GiB", path);
		return NULL;
	}
	g_autoptr(TfLines) lines = g_new0(TfLines, 1);
	lines->path = g_strdup(path);
	if (!read_all(fd, lines, head ? MIN(size, (size_t)HEAD_BYTES) : size, &got, error) ||
	    !check_text(lines, got, error))
		return NULL;
	return g_steal_pointer(&lines);
}

TfLines *tf_lines_open(const char *path, GError **error)
{
	return open_lines(path, false, error);
}

TfLines *tf_lines_open_head(const char *path, GError **error)
{
	return open_lines(path, true, error);
}

char *tf_lines_next(TfLines *lines)
{
	while (lines->next && *lines->next) {
		char *line = lines->next, *end = strchr(line, '\n');
		lines->next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		lines->line++;
		line = g_strstrip(line);
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

gboolean tf_lines_error(const TfLines *lines, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s:%d: %s", lines->path, lines->line, reason);
	return FALSE;
}

bool tf_parse_number(const char *text, double *number)
{
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	/* The set of characters keeps out nan, inf and hexadecimal, which
	 * g_ascii_strtod() would take. */
	if (!*trimmed || trimmed[strspn(trimmed, "0123456789+-.eE")])
		return false;
	char *end;
	*number = g_ascii_strtod(trimmed, &end);
	return end != trimmed && !*end && isfinite(*number);
}
