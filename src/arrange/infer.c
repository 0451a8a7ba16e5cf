/* SPDX-License-Identifier: MIT */
#include "infer.h"
#include "pattern.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum {
	MAX_RUNS = 128,  /* a name has at most 255 bytes */
	PIXEL_STEP = 16, /* grid numbers with a larger common step are pixel positions */
	SPARSEST = 8,    /* a grid with fewer files than 1 in 8 cells is none */
};

typedef enum { NO_LABEL, ROW_LABEL, COL_LABEL } Label;

/* One run of digits in names that are otherwise equal. */
typedef struct {
	bool varies; /* in value */
	bool padded; /* in digits, for one value: 1 and 01 */
	int64_t min, max;
	Label label;    /* what the letters before it say */
	const char *as; /* what stands for it in the pattern; NULL: itself */
} Run;

/* Names that are equal but for their runs of digits. */
typedef struct {
	guint id, n;
	const char *name; /* the first of them */
	bool numbered;
} Family;

typedef struct {
	const TfFolder *folder;
	guint *family_of; /* for each image */
	Family *largest;  /* of those with numbers, or NULL */
	Family *other;    /* another one with numbers, or NULL */
	guint n_unnumbered;
	guint n_runs, n_varying;
	Run runs[MAX_RUNS];
	Run *varying[2]; /* the first two */
} Names;

static void names_clear(Names *names)
{
	g_free(names->family_of);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Names, names_clear)

/* The name with \1 for each run of digits; whether it has any. */
static bool write_form(const char *name, char *form)
{
	bool numbered = false;
	while (*name) {
		size_t digits = strspn(name, "0123456789");
		*form++ = digits ? '\1' : *name;
		name += digits ? digits : 1;
		numbered |= digits > 0;
	}
	*form = '\0';
	return numbered;
}

/* Sorts the names into families; they go with the hash table. */
static GHashTable *find_families(Names *names)
{
	GHashTable *families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	const GPtrArray *images = names->folder->images;
	names->family_of = g_new(guint, images->len);
	for (guint i = 0; i < images->len; i++) {
		char form[NAME_MAX + 1];
		bool numbered = write_form(images->pdata[i], form);
		Family *family = g_hash_table_lookup(families, form);
		if (!family) {
			family = g_new0(Family, 1);
			*family = (Family){.id = g_hash_table_size(families),
					   .name = images->pdata[i],
					   .numbered = numbered};
			g_hash_table_insert(families, g_strdup(form), family);
		}
		family->n++;
		names->family_of[i] = family->id;
		names->n_unnumbered += !numbered;
	}
	return families;
}

static void choose_family(Names *names, GHashTable *families)
{
	GHashTableIter iter;
	gpointer value;
	for (g_hash_table_iter_init(&iter, families); g_hash_table_iter_next(&iter, NULL, &value);) {
		Family *family = value;
		if (!family->numbered)
			continue;
		/* By the first name where sizes are equal: the order of a hash table
		 * must not show in a message. */
		Family *best = names->largest;
		if (!best || family->n > best->n || (family->n == best->n && family->id < best->id)) {
			names->largest = family;
			family = best;
		}
		if (family && (!names->other || family->id < names->other->id))
			names->other = family;
	}
}

/* The word right before a number, e.g. row in tile_row-3 or X in tileX3. */
static Label label_before(const char *name, const char *at)
{
	static const char *const rows[] = {"r", "row", "y", NULL}, *const cols[] = {"c", "col", "column", "x",
										    NULL};
	while (at > name && strchr("_-. =", at[-1]))
		at--;
	const char *word = at;
	while (word > name && g_ascii_isalpha(word[-1]) &&
	       !(word < at && g_ascii_isupper(*word) && g_ascii_islower(word[-1])))
		word--;
	g_autofree char *lower = g_ascii_strdown(word, at - word);
	return g_strv_contains(rows, lower) ? ROW_LABEL : g_strv_contains(cols, lower) ? COL_LABEL : NO_LABEL;
}

static const char *next_run(const char *at)
{
	return at + strcspn(at, "0123456789");
}

static void begin_runs(Names *names)
{
	const char *name = names->largest->name;
	for (const char *at = next_run(name); *at; at = next_run(at)) {
		Run *run = &names->runs[names->n_runs++];
		run->label = label_before(name, at);
		run->min = run->max = tf_read_digits(&at);
	}
}

static void compare_runs(Names *names, const char *name)
{
	const char *first = names->largest->name;
	for (guint i = 0; i < names->n_runs; i++) {
		const char *at = name = next_run(name), *first_at = first = next_run(first);
		int64_t value = tf_read_digits(&name);
		tf_read_digits(&first);
		names->runs[i].min = MIN(names->runs[i].min, value);
		names->runs[i].max = MAX(names->runs[i].max, value);
		if (name - at != first - first_at || memcmp(at, first_at, name - at))
			names->runs[i].padded = true;
	}
}

static void study_runs(Names *names)
{
	const GPtrArray *images = names->folder->images;
	begin_runs(names);
	for (guint i = 0; i < images->len; i++)
		if (names->family_of[i] == names->largest->id)
			compare_runs(names, images->pdata[i]);
	for (guint i = 0; i < names->n_runs; i++) {
		Run *run = &names->runs[i];
		run->varies = run->min != run->max;
		if (run->varies && names->n_varying++ < 2)
			names->varying[names->n_varying - 1] = run;
		if (!run->varies && run->padded)
			run->as = "*";
	}
}

/* The pattern with what each run's `as` says. */
static char *write_pattern(const Names *names)
{
	GString *text = g_string_new(NULL);
	const char *at = names->largest->name;
	for (guint i = 0; *at;) {
		size_t digits = strspn(at, "0123456789");
		if (!digits)
			g_string_append(text, *at == '{' ? "{{" : (char[]){*at, '\0'});
		else if (names->runs[i].as)
			g_string_append(text, names->runs[i].as);
		else
			g_string_append_len(text, at, digits);
		i += digits > 0;
		at += digits ? digits : 1;
	}
	return g_string_free(text, FALSE);
}

/* Writes row and column to two runs and returns whether the letters told
 * which is which. */
static bool name_two(Run *first, Run *second, const char *row, const char *col)
{
	bool column_first = first->label == COL_LABEL && second->label != COL_LABEL;
	column_first |= second->label == ROW_LABEL && first->label != ROW_LABEL;
	first->as = column_first ? col : row;
	second->as = column_first ? row : col;
	return first->label != second->label;
}

/* The most likely roles, for a proposal: two numbers with letters that say
 * so, else the first two that vary; the other ones that vary are any. */
static void propose(Names *names)
{
	Run *row = NULL, *col = NULL;
	for (guint i = 0; i < names->n_runs; i++) {
		Run *run = &names->runs[i];
		if (!run->varies)
			continue;
		run->as = "*";
		if (run->label == ROW_LABEL && !row)
			row = run;
		if (run->label == COL_LABEL && !col)
			col = run;
	}
	if (names->n_varying == 1)
		names->varying[0]->as = "{i}";
	else if (row && col)
		row->as = "{row}", col->as = "{col}";
	else if (names->n_varying >= 2)
		name_two(names->varying[0], names->varying[1], "{row}", "{col}");
}

static gboolean doubt(const Names *names, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static gboolean doubt(const Names *names, GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *reason = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, TF_ERROR, TF_ERROR_ARRANGEMENT, "%s: %s", names->folder->path, reason);
	return FALSE;
}

/* All images must be of one family.  Names without any number are left out
 * beside a grid of two numbers, where they have no place; beside a running
 * number, tile.jpg may be the one before tile1.jpg. */
static bool check_families(Names *names, GError **error)
{
	guint n_images = names->folder->images->len;
	guint n_others = n_images - names->largest->n;
	if (!n_others || (n_others == names->n_unnumbered && names->n_varying == 2))
		return true;
	const char *other = names->other ? names->other->name : NULL;
	for (guint i = 0; !other && i < n_images; i++)
		if (names->family_of[i] != names->largest->id)
			other = names->folder->images->pdata[i];
	if (!names->n_varying)
		return doubt(names, error,
			     "the names of the %u images, such as %s and %s, have no numbers in common: list "
			     "them in "
			     "tiles.csv (file,x,y)",
			     n_images, names->largest->name, other);
	propose(names);
	g_autofree char *pattern = write_pattern(names);
	return doubt(names, error,
		     "%u images are named like %s, %u others like %s: choose with pattern='%s'%s, which "
		     "leaves the others "
		     "out",
		     names->largest->n, names->largest->name, n_others, other, pattern,
		     names->n_varying == 1 ? " and columns=" : "");
}

/* A number of columns for the example in a message: the squarest that divides
 * n, or else nearly a square. */
static guint example_columns(guint n)
{
	guint side = ceil(sqrt(n));
	for (guint columns = side; columns <= 4 * side && columns < n; columns++)
		if (n % columns == 0)
			return columns;
	return side;
}

/* One number that varies: a single row or column if the letters say so of it
 * and of a constant one, else a running number. */
static bool settle_one(Names *names, const TfArrangeOptions *options, GError **error)
{
	Run *run = names->varying[0];
	for (guint i = 0; i < names->n_runs && !options->columns; i++) {
		Run *other = &names->runs[i];
		if (other != run && run->label && other->label && run->label != other->label) {
			name_two(run, other, "{row}", "{col}");
			return true;
		}
	}
	run->as = "{i}";
	if (options->columns)
		return true;
	return doubt(names, error,
		     "names have one running number (%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
		     "): give the number of columns, e.g. columns=%u",
		     run->min, run->max, example_columns(names->largest->n));
}

static int compare_int64(gconstpointer a, gconstpointer b)
{
	int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
	return (first > second) - (first < second);
}

/* How many values a run has, and the largest step that all are multiples of. */
static guint count_values(const Names *names, const Run *run, int64_t *step)
{
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (guint i = 0; i < names->folder->images->len; i++) {
		if (names->family_of[i] != names->largest->id)
			continue;
		const char *at = next_run(names->folder->images->pdata[i]);
		for (const Run *skip = names->runs; skip < run; skip++) {
			tf_read_digits(&at);
			at = next_run(at);
		}
		int64_t value = tf_read_digits(&at);
		g_array_append_val(values, value);
	}
	g_array_sort(values, compare_int64);
	guint n = 1;
	*step = 0;
	for (guint i = 1; i < values->len; i++) {
		int64_t gap = g_array_index(values, int64_t, i) - g_array_index(values, int64_t, i - 1);
		n += gap > 0;
		while (gap) { /* Euclid; each gap once is enough for the common divisor */
			int64_t rest = *step % gap;
			*step = gap;
			gap = rest;
		}
	}
	return n;
}

static bool settle_two(Names *names, bool *guess, GError **error)
{
	Run *first = names->varying[0], *second = names->varying[1];
	guint n = names->largest->n;
	name_two(first, second, "{y}", "{x}");
	g_autofree char *pixels = write_pattern(names);
	*guess = !name_two(first, second, "{row}", "{col}");
	g_autofree char *cells = write_pattern(names);

	int64_t step_first, step_second;
	guint n_first = count_values(names, first, &step_first),
	      n_second = count_values(names, second, &step_second);
	double fill = n / ((first->max - first->min + 1.0) * (second->max - second->min + 1.0));
	g_autofree char *reason = NULL;
	if (step_first > PIXEL_STEP || step_second > PIXEL_STEP)
		reason = g_strdup_printf("go in steps of %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
					 step_first, step_second);
	else if (n_first == n || n_second == n)
		reason = g_strdup_printf("make no grid (no two files share the %s one)",
					 n_first == n ? "first" : "second");
	else if (fill * SPARSEST < 1)
		reason = g_strdup_printf("would fill only %.2g%% of a grid", 100 * fill);
	if (!reason)
		return true;
	return doubt(names, error,
		     "the two numbers in names like %s %s: say pattern='%s' for positions in pixels or "
		     "pattern='%s' for "
		     "grid cells",
		     names->largest->name, reason, pixels, cells);
}

static bool settle(Names *names, const TfArrangeOptions *options, bool *guess, GError **error)
{
	if (names->n_varying == 1)
		return settle_one(names, options, error);
	if (names->n_varying == 2 && !options->columns)
		return settle_two(names, guess, error);
	propose(names);
	g_autofree char *pattern = write_pattern(names);
	if (options->columns)
		return doubt(names, error,
			     "columns= is for one running number, but names like %s have %u that vary: say "
			     "which with {i} "
			     "in pattern=, or pattern='%s' without columns=",
			     names->largest->name, names->n_varying, pattern);
	return doubt(names, error,
		     "names like %s have %u varying numbers: say which is the row and which the column, e.g. "
		     "pattern='%s'",
		     names->largest->name, names->n_varying, pattern);
}

static char *escape(const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, "{", -1);
	return g_strjoinv("{{", parts);
}

char *tf_infer_pattern(const TfFolder *folder, const TfArrangeOptions *options, bool *guess, GError **error)
{
	*guess = false;
	if (folder->images->len == 1 && !options->columns)
		return escape(folder->images->pdata[0]);
	g_auto(Names) names = {.folder = folder};
	g_autoptr(GHashTable) families = find_families(&names);
	choose_family(&names, families);
	if (!names.largest) {
		doubt(&names, error,
		      "the names of the %u images have no numbers: list them in tiles.csv (file,x,y)",
		      folder->images->len);
		return NULL;
	}
	study_runs(&names);
	if (!check_families(&names, error))
		return NULL;
	if (!names.n_varying) {
		if (folder->images->len == 1) {
			names.runs[names.n_runs - 1].as = "{i}";
			return write_pattern(&names);
		}
		doubt(&names, error,
		      "names like %s differ only in the zeros before their numbers: list them in tiles.csv",
		      names.largest->name);
		return NULL;
	}
	return settle(&names, options, guess, error) ? write_pattern(&names) : NULL;
}
