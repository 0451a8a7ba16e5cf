/* SPDX-License-Identifier: MIT
 *
 * Folders of empty files that go with their test, and what reading them must
 * give.  Included by one test program each, hence all static inline.
 */
#pragma once
#include <tiffuse/arrange.h>

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef char Scratch;

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void scratch_remove(Scratch *folder)
{
	nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(folder);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scratch, scratch_remove)

/* A file below the folder; the folders on the way are made. */
static inline void scratch_write(const Scratch *folder, const char *name, const char *text, gssize len)
{
	g_autofree char *path = g_build_filename(folder, name, NULL), *parent = g_path_get_dirname(path);
	g_autoptr(GError) error = NULL;
	g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
	g_file_set_contents(path, text, len, &error);
	g_assert_no_error(error);
}

/* A new folder with empty files of these names, which spaces separate. */
static inline Scratch *scratch_new(const char *names)
{
	g_autoptr(GError) error = NULL;
	char *folder = g_dir_make_tmp("tiffuse-arrange-XXXXXX", &error);
	g_assert_no_error(error);
	g_auto(GStrv) list = g_strsplit(names, " ", -1);
	for (char **name = list; *name; name++)
		if (**name)
			scratch_write(folder, *name, "", 0);
	return folder;
}

/* Where the folder is named in a message, its place says "DIR". */
static inline char *scratch_shorten(const Scratch *folder, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, folder, -1);
	return g_strjoinv("DIR", parts);
}

static inline TfArrangement *read_good(const char *source, const TfArrangeOptions *options)
{
	g_autoptr(GError) error = NULL;
	static const TfArrangeOptions none;
	TfArrangement *arrangement = tf_arrange_read(source, options ? options : &none, &error);
	g_assert_no_error(error);
	g_assert_nonnull(arrangement);
	g_assert_null(strchr(arrangement->summary, '\n'));
	return arrangement;
}

/* `expected` is a regular expression for the whole message. */
static inline void check_error(const Scratch *folder, const GError *error, TfErrorCode code,
			       const char *expected)
{
	g_assert_nonnull(error);
	g_autofree char *message = scratch_shorten(folder, error->message);
	g_autofree char *whole = g_strdup_printf("^(?:%s)$", expected);
	if (!g_regex_match_simple(whole, message, 0, 0)) {
		g_test_message("message:  %s", message);
		g_test_message("expected: %s", expected);
		g_test_fail();
	}
	g_assert_cmpint(error->code, ==, code);
	g_assert_true(error->domain == TF_ERROR);
}

static inline void read_bad(const Scratch *folder, const char *source, const TfArrangeOptions *options,
			    TfErrorCode code, const char *expected)
{
	g_autoptr(GError) error = NULL;
	static const TfArrangeOptions none;
	g_autoptr(TfArrangement) arrangement = tf_arrange_read(source, options ? options : &none, &error);
	if (arrangement)
		g_test_message("read as: %s, expected: %s", arrangement->summary, expected);
	g_assert_null(arrangement);
	check_error(folder, error, code, expected);
}

static inline void check_summary(const Scratch *folder, const TfArrangement *arrangement,
				 const char *expected)
{
	g_autofree char *summary = scratch_shorten(folder, arrangement->summary);
	g_assert_cmpstr(summary, ==, expected);
}

static inline const TfPlace *place_at(const TfArrangement *arrangement, guint i)
{
	g_assert_cmpuint(i, <, arrangement->places->len);
	return &g_array_index(arrangement->places, TfPlace, i);
}

/* "name@column,row name@x,y ..." in the order of the places. */
static inline char *list_places(const TfArrangement *arrangement)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < arrangement->places->len; i++) {
		const TfPlace *place = place_at(arrangement, i);
		g_autofree char *name = g_path_get_basename(place->path);
		bool cell = place->kind == TF_PLACE_CELL;
		g_string_append_printf(text, "%s%s@%g,%g%s", i ? " " : "", name,
				       cell ? (double)place->col : place->x,
				       cell ? (double)place->row : place->y, place->missing ? "?" : "");
	}
	return g_string_free(text, FALSE);
}
