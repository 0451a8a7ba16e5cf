/* SPDX-License-Identifier: MIT */
#include <tiffuse/log.h>

#include <stdio.h>
#include <string.h>
#include <syslog.h>

enum { RING_LINES = 256, MAX_CAUSES = 10000 };

/* `lock` guards all of it; it is a leaf: nothing is called under it but GLib. */
static GMutex lock;
static gboolean use_syslog;
static TfLogLevel shown = TF_LOG_NOTE;
static char *ring[RING_LINES];
static guint64 n_lines;
static GHashTable *causes; /* cause -> GUINT count */

void tf_log_to_stderr(void)
{
	g_mutex_lock(&lock);
	use_syslog = FALSE;
	g_mutex_unlock(&lock);
}

void tf_log_to_syslog(void)
{
	g_mutex_lock(&lock);
	use_syslog = TRUE;
	g_mutex_unlock(&lock);
	openlog("tiffuse", LOG_PID, LOG_DAEMON);
}

void tf_log_set_level(TfLogLevel highest_shown)
{
	g_mutex_lock(&lock);
	shown = highest_shown;
	g_mutex_unlock(&lock);
}

static void emit(TfLogLevel level, const char *line, gboolean to_syslog)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG};
	if (to_syslog)
		syslog(priorities[level], "%s", line);
	else
		fprintf(stderr, "tiffuse: %s\n", line);
}

/* Names of files are in the messages: none may begin a line of its own or
 * speak to a terminal. */
char *tf_log_printable(const char *text)
{
	GString *out = g_string_sized_new(strlen(text));
	for (const char *c = text; *c; c++)
		if (g_ascii_iscntrl(*c))
			g_string_append_printf(out, "\\x%02x", (guchar)*c);
		else
			g_string_append_c(out, *c);
	return g_string_free(out, FALSE);
}

static void log_line(TfLogLevel level, const char *text)
{
	g_autofree char *line = tf_log_printable(text);
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *stamp = g_date_time_format(now, "%F %T");
	char *stamped = g_strdup_printf("%s %s", stamp, line);
	g_mutex_lock(&lock);
	gboolean show = level <= shown, to_syslog = use_syslog;
	if (show) {
		char **place = &ring[n_lines++ % RING_LINES];
		g_free(*place);
		*place = g_steal_pointer(&stamped);
	}
	g_mutex_unlock(&lock);
	g_free(stamped);
	if (show)
		emit(level, line, to_syslog);
}

void tf_log(TfLogLevel level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	log_line(level, line);
}

static gboolean is_power_of_ten(guint n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

static guint count_cause(const char *cause)
{
	g_mutex_lock(&lock);
	if (!causes)
		causes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(causes, cause)) + 1;
	if (count > 1 || g_hash_table_size(causes) < MAX_CAUSES)
		g_hash_table_insert(causes, g_strdup(cause), GUINT_TO_POINTER(count));
	g_mutex_unlock(&lock);
	return count;
}

gboolean tf_log_once(TfLogLevel level, const char *cause, const char *format, ...)
{
	guint count = count_cause(cause);
	if (!is_power_of_ten(count))
		return FALSE;
	va_list args;
	va_start(args, format);
	g_autofree char *line = g_strdup_vprintf(format, args);
	va_end(args);
	if (count > 1) {
		g_autofree char *counted = g_strdup_printf("%s (%u times)", line, count);
		log_line(level, counted);
	} else {
		log_line(level, line);
	}
	return TRUE;
}

char *tf_log_tail(void)
{
	GString *text = g_string_new(NULL);
	g_mutex_lock(&lock);
	guint64 first = n_lines > RING_LINES ? n_lines - RING_LINES : 0;
	for (guint64 i = first; i < n_lines; i++)
		g_string_append_printf(text, "%s\n", ring[i % RING_LINES]);
	g_mutex_unlock(&lock);
	return g_string_free(text, FALSE);
}
