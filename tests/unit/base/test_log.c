/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <tiffuse/log.h>

static char **tail_lines(guint *n)
{
	g_autofree char *text = tf_log_tail();
	char **lines = g_strsplit(text, "\n", -1);
	guint parts = g_strv_length(lines);
	g_assert_true(parts == 0 || *lines[parts - 1] == '\0'); /* each line has its end */
	*n = parts == 0 ? 0 : parts - 1;
	return lines;
}

static void test_levels(void)
{
	guint before, after;
	g_strfreev(tail_lines(&before));
	tf_log_set_level(TF_LOG_WARNING);
	tf_log(TF_LOG_NOTE, "not shown");
	tf_log(TF_LOG_WARNING, "shown %d", 42);
	g_auto(GStrv) lines = tail_lines(&after);
	g_assert_cmpuint(after, ==, before + 1);
	g_assert_true(g_str_has_suffix(lines[after - 1], " shown 42"));
	g_assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ", lines[after - 1], 0, 0));
	tf_log_set_level(TF_LOG_NOTE);
}

/* A file's name forges no line and commands no terminal. */
static void test_control_characters(void)
{
	guint before, after;
	g_strfreev(tail_lines(&before));
	tf_log(TF_LOG_NOTE, "%s", "a\nb\x1b[2Jc\x7f \xc3\xa4.jpg");
	g_auto(GStrv) lines = tail_lines(&after);
	g_assert_cmpuint(after, ==, before + 1);
	g_assert_true(g_str_has_suffix(lines[after - 1], " a\\x0ab\\x1b[2Jc\\x7f \xc3\xa4.jpg"));
}

static void test_powers_of_ten(void)
{
	guint before, n, told = 0;
	g_strfreev(tail_lines(&before));
	for (int i = 1; i <= 1234; i++) {
		gboolean line = tf_log_once(TF_LOG_ERROR, "damaged: a.jpg", "a.jpg is damaged");
		g_assert_cmpint(line, ==, i == 1 || i == 10 || i == 100 || i == 1000);
		told += line;
	}
	g_assert_cmpuint(told, ==, 4);
	g_assert_true(tf_log_once(TF_LOG_ERROR, "damaged: b.jpg", "another cause"));
	g_auto(GStrv) lines = tail_lines(&n);
	g_assert_cmpuint(n, ==, before + 5);
	g_assert_true(g_str_has_suffix(lines[n - 5], " a.jpg is damaged"));
	g_assert_true(g_str_has_suffix(lines[n - 2], " a.jpg is damaged (1000 times)"));
}

static void test_ring(void)
{
	guint n;
	for (int i = 0; i < 1000; i++)
		tf_log(TF_LOG_NOTE, "line %d", i);
	g_auto(GStrv) lines = tail_lines(&n);
	g_assert_cmpuint(n, >=, 100);
	g_assert_cmpuint(n, <, 1000);
	for (guint i = 0; i < n; i++) {
		g_autofree char *expected = g_strdup_printf(" line %u", 1000 - n + i);
		g_assert_true(g_str_has_suffix(lines[i], expected));
	}
}

static gpointer log_thread(gpointer data)
{
	for (int i = 0; i < 300; i++) {
		tf_log(TF_LOG_NOTE, "thread");
		tf_log_once(TF_LOG_NOTE, "from many threads", "once");
		if (i % 50 == 0)
			g_free(tf_log_tail());
	}
	return NULL;
}

static void test_threads(void)
{
	GThread *threads[4];
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("log", log_thread, NULL);
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
	/* 1200 so far: the next power of ten is far away. */
	g_assert_false(tf_log_once(TF_LOG_NOTE, "from many threads", "once"));
}

static void test_storm(void)
{
	guint n, told = 0;
	for (int i = 0; i < 1000; i++) {
		g_autofree char *cause = g_strdup_printf("storm %d", i);
		told += tf_log_once(TF_LOG_ERROR, cause, "%s", cause);
	}
	g_assert_cmpuint(told, >=, 50);
	g_assert_cmpuint(told, <, 500);
	g_usleep(300 * 1000);
	g_assert_true(tf_log_once(TF_LOG_ERROR, "after the storm", "calm"));
	g_auto(GStrv) lines = tail_lines(&n);
	g_assert_true(g_regex_match_simple(" \\d+ lines about other causes were left out$", lines[n - 2], 0, 0));
	g_assert_true(g_str_has_suffix(lines[n - 1], " calm"));
}

/* Last: afterwards the table is full, and new causes are one. */
static void test_full_table(void)
{
	guint told = 0;
	tf_log_set_level(TF_LOG_ERROR); /* counted, not shown */
	for (int i = 0; i < 10500; i++) {
		g_autofree char *cause = g_strdup_printf("cause %d", i);
		told += tf_log_once(TF_LOG_NOTE, cause, "x");
	}
	g_assert_cmpuint(told, >, 8000);
	g_assert_cmpuint(told, <, 10100);
	g_assert_false(tf_log_once(TF_LOG_NOTE, "cause 5", "x"));
	g_assert_false(tf_log_once(TF_LOG_NOTE, "cause 10499", "x"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/1-levels", test_levels);
	g_test_add_func("/log/1-control-characters", test_control_characters);
	g_test_add_func("/log/2-powers-of-ten", test_powers_of_ten);
	g_test_add_func("/log/3-ring", test_ring);
	g_test_add_func("/log/4-threads", test_threads);
	g_test_add_func("/log/5-storm", test_storm);
	g_test_add_func("/log/6-full-table", test_full_table);
	return g_test_run();
}
