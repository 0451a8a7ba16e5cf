/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

#define KNOWN "{row} {col} {x} {y} {i} {series}, with zeros as in {row:03}, {iii}, {xx}, {yy}"

typedef enum { LITERAL, NUMBER, ANY } TokenKind;

typedef struct {
	TokenKind kind;
	char *text;     /* LITERAL */
	TfField field;  /* NUMBER */
	int width;      /* NUMBER: at least so many digits */
	bool exact;     /* NUMBER: exactly `width`, as another number follows */
	bool after_any; /* NUMBER: must not start amid digits, see match_number() */
} Token;

struct _TfPattern {
	GArray *tokens;
	bool has[TF_N_FIELDS];
};

static void clear_token(gpointer token)
{
	g_free(((Token *)token)->text);
}

void tf_pattern_free(TfPattern *pattern)
{
	g_array_unref(pattern->tokens);
	g_free(pattern);
}

bool tf_pattern_has(const TfPattern *pattern, TfField field)
{
	return pattern->has[field];
}

static bool is_run_of(const char *text, char letter)
{
	char accept[] = {letter, '\0'};
	return *text == letter && !text[strspn(text, accept)];
}

/* What stands between the braces, without the width after a colon. */
static bool name_field(const char *name, Token *token)
{
	static const struct {
		const char *name;
		TfField field;
	} words[] = {{"row", TF_FIELD_ROW}, {"col", TF_FIELD_COL}, {"x", TF_FIELD_X},
		     {"y", TF_FIELD_Y},     {"i", TF_FIELD_INDEX}, {"series", TF_FIELD_SERIES}};
	token->kind = NUMBER;
	token->width = 1;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (!strcmp(name, words[i].name)) {
			token->field = words[i].field;
			return true;
		}
	}
	/* Fiji's letters: in its names x and y are always columns and rows. */
	token->width = strlen(name);
	token->field = *name == 'x' ? TF_FIELD_COL : *name == 'y' ? TF_FIELD_ROW : TF_FIELD_INDEX;
	return is_run_of(name, 'x') || is_run_of(name, 'y') || is_run_of(name, 'i');
}

static bool add_field(TfPattern *pattern, const char *text, const char *inside, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(inside, ":", 2);
	Token token = {0};
	guint64 width;
	bool known = parts[0] && name_field(parts[0], &token);
	if (known && parts[1]) {
		known = g_ascii_string_to_unsigned(parts[1], 10, 1, 18, &width, NULL);
		token.width = known ? width : 1;
	}
	if (!known) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "pattern=%s: unknown placeholder {%s}, expected " KNOWN, text, inside);
		return false;
	}
	if (pattern->has[token.field]) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
			    "pattern=%s: {%s} means the same number as one before it", text, inside);
		return false;
	}
	if (pattern->tokens->len) {
		Token *before = &g_array_index(pattern->tokens, Token, pattern->tokens->len - 1);
		before->exact = before->kind == NUMBER;
		token.after_any = before->kind == ANY;
		if (before->exact && before->width < 2) {
			g_set_error(error, TF_ERROR, TF_ERROR_USAGE,
				    "pattern=%s: nothing stands between {%s} and the number before it: give "
				    "that one a "
				    "width, as in {row:03}",
				    text, inside);
			return false;
		}
	}
	pattern->has[token.field] = true;
	g_array_append_val(pattern->tokens, token);
	return true;
}

static void add_literal(TfPattern *pattern, const char *text, size_t len)
{
	Token token = {.kind = LITERAL, .text = g_strndup(text, len)};
	if (len)
		g_array_append_val(pattern->tokens, token);
	else
		g_free(token.text);
}

TfPattern *tf_pattern_new(const char *text, GError **error)
{
	g_autoptr(TfPattern) pattern = g_new0(TfPattern, 1);
	pattern->tokens = g_array_new(FALSE, FALSE, sizeof(Token));
	g_array_set_clear_func(pattern->tokens, clear_token);
	if (strchr(text, '/')) {
		g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "pattern=%s: expected names without a folder",
			    text);
		return NULL;
	}
	for (const char *at = text; *at;) {
		size_t plain = strcspn(at, "{*");
		add_literal(pattern, at, plain);
		at += plain;
		if (*at == '*') {
			Token any = {.kind = ANY};
			g_array_append_val(pattern->tokens, any);
			at++;
		} else if (g_str_has_prefix(at, "{{")) {
			add_literal(pattern, "{", 1);
			at += 2;
		} else if (*at) {
			const char *end = strchr(at, '}');
			if (!end) {
				g_set_error(error, TF_ERROR, TF_ERROR_USAGE, "pattern=%s: { without }", text);
				return NULL;
			}
			g_autofree char *inside = g_strndup(at + 1, end - at - 1);
			if (!add_field(pattern, text, inside, error))
				return NULL;
			at = end + 1;
		}
	}
	return g_steal_pointer(&pattern);
}

int64_t tf_read_digits(const char **text)
{
	int64_t value = 0;
	for (; g_ascii_isdigit(**text); (*text)++)
		value = value > TF_FIELD_MAX / 10 ? TF_FIELD_MAX
						  : MIN(value * 10 + (**text - '0'), TF_FIELD_MAX);
	return value;
}

/* Zero padding as printf has it: at least `width` digits, and more only
 * without a leading zero.  A number is never cut out of a longer one, though
 * a * before it could take the first digits: t*{i}.jpg means all of t012.jpg's. */
static const char *match_number(const Token *token, const char *name, const char *at, int64_t *value)
{
	bool minus = *at == '-' && (token->field == TF_FIELD_X || token->field == TF_FIELD_Y);
	if (token->after_any && at > name && g_ascii_isdigit(at[-1]))
		return NULL;
	at += minus;
	int digits = strspn(at, "0123456789");
	if (token->exact)
		digits = MIN(digits, token->width);
	if (digits < token->width || (token->width > 1 && digits > token->width && *at == '0'))
		return NULL;
	g_autofree char *number = g_strndup(at, digits);
	const char *read = number;
	*value = tf_read_digits(&read);
	if (minus)
		*value = -*value;
	return at + digits;
}

static const char *match_token(const Token *token, const char *name, const char *at, int64_t *values)
{
	if (token->kind == NUMBER)
		return match_number(token, name, at, &values[token->field]);
	size_t len = strlen(token->text);
	return strncmp(at, token->text, len) ? NULL : at + len;
}

/* Going back to the last * alone is enough: what stands between two of them
 * ends the earlier the earlier it starts, and the next * takes up the rest. */
bool tf_pattern_match(const TfPattern *pattern, const char *name, int64_t values[TF_N_FIELDS])
{
	const Token *tokens = (const Token *)pattern->tokens->data;
	guint n = pattern->tokens->len, i = 0, retry = 0;
	const char *at = name, *retry_at = NULL;
	for (;;) {
		if (i == n && !*at)
			return true;
		const char *next = NULL;
		if (i < n && tokens[i].kind == ANY) {
			retry = ++i;
			retry_at = at;
			if (i == n)
				return true;
			continue;
		}
		if (i < n)
			next = match_token(&tokens[i], name, at, values);
		if (next) {
			at = next;
			i++;
		} else if (retry_at && *retry_at) {
			at = ++retry_at;
			i = retry;
		} else {
			return false;
		}
	}
}
