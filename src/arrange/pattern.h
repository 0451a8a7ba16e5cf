/* SPDX-License-Identifier: MIT
 *
 * pattern=: file names with the numbers named, e.g. tile_r{row:03}_c{col:03}.jpg.
 * The syntax is in docs/arrangements.md.
 */
#pragma once
#include <tiffuse/error.h>

#include <stdbool.h>
#include <stdint.h>

typedef enum {
	TF_FIELD_ROW,
	TF_FIELD_COL,
	TF_FIELD_X,
	TF_FIELD_Y,
	TF_FIELD_INDEX,
	TF_FIELD_SERIES,
	TF_N_FIELDS,
} TfField;

/* Numbers in names saturate here: 18 digits. */
#define TF_FIELD_MAX INT64_C(999999999999999999)

typedef struct _TfPattern TfPattern;

/* USAGE for an unknown or repeated placeholder and the like. */
TfPattern *tf_pattern_new(const char *text, GError **error);
void tf_pattern_free(TfPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfPattern, tf_pattern_free)

bool tf_pattern_has(const TfPattern *pattern, TfField field);

/* Does the whole name fit?  Then values[] of the fields that the pattern has
 * are set; the others are left alone. */
bool tf_pattern_match(const TfPattern *pattern, const char *name, int64_t values[TF_N_FIELDS]);

/* Reads the digits at *text, saturating, and moves *text behind them. */
int64_t tf_read_digits(const char **text);
