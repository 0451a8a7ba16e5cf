/* SPDX-License-Identifier: MIT */
#include <tiffuse/log.h>

#include <stdio.h>
#include <syslog.h>
#include <tiffuse/text.h>
#include <time.h>

/* Of lines about causes: so many at once, then so many each second. */
enum { RING_LINES = 256, MAX_CAUSES = 10000, BURST = 100, PER_SECOND = 10 };

/* `lock` guards all of it; it is a leaf: nothing is called under it but GLib. */
static GMutex lock;
static gboolean use_syslog;
static TfLogLevel shown = TF_LOG_NOTE;
static char *ring[RING_LINES];
static guint64 n_lines;
static GHashTable *causes; /* cause -> GUINT count */
static double tokens = BURST;
static gint64 tokens_at_us;
static guint left_out;

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

static void log_line(TfLogLevel level, const char *text)
{
	g_autofree char *line = tf_text_printable(text);
	/* Not GDateTime, which reads /etc/localtime each time: a sandbox forbids. */
	time_t now = time(NULL);
	struct tm local;
	char stamp[32] = "";
	if (localtime_r(&now, &local))
		strftime(stamp, sizeof stamp, "%F %T", &local);
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
	if (g_hash_table_size(causes) >= MAX_CAUSES && !g_hash_table_contains(causes, cause))
		cause = ""; /* those that came too late are one */
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(causes, cause)) + 1;
	g_hash_table_insert(causes, g_strdup(cause), GUINT_TO_POINTER(count));
	g_mutex_unlock(&lock);
	return count;
}

/* May a line be written now?  Then *before lines were left out before it. */
static gboolean take_token(TfLogLevel level, guint *before)
{
	gint64 now_us = g_get_monotonic_time();
	*before = 0;
	g_mutex_lock(&lock);
	if (level > shown) {
		g_mutex_unlock(&lock);
		return TRUE;
	}
	if (tokens_at_us)
		tokens = MIN(tokens + (double)(now_us - tokens_at_us) / G_USEC_PER_SEC * PER_SECOND, BURST);
	tokens_at_us = now_us;
	gboolean may = tokens >= 1;
	*before = may ? left_out : 0;
	left_out = may ? 0 : left_out + 1;
	tokens -= may;
	g_mutex_unlock(&lock);
	return may;
}

gboolean tf_log_once(TfLogLevel level, const char *cause, const char *format, ...)
{
	guint count = count_cause(cause);
	guint before;
	if (!is_power_of_ten(count) || !take_token(level, &before))
		return FALSE;
	if (before > 0)
		tf_log(TF_LOG_WARNING, "%u lines about other causes were left out", before);
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
