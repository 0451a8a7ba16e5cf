/* SPDX-License-Identifier: MIT
 *
 * order= and overlap=.  Errors are USAGE and name what is expected.
 */
#pragma once
#include <tiffuse/arrange.h>

typedef struct {
	bool by_column; /* the index runs down a column first */
	bool snake;     /* and back in the next one */
	bool left, up;  /* from right to left, from bottom to top */
} TfOrder;

/* NULL is "row". */
bool tf_order_parse(const char *text, TfOrder *order, GError **error);

/* The cell of index i, from 0, in rows (columns, by_column) of `per_line`;
 * tf_order_flip() then counts them from the other side. */
void tf_order_cell(const TfOrder *order, int64_t i, int64_t per_line, TfPlace *place);
void tf_order_flip(const TfOrder *order, int64_t columns, int64_t rows, TfPlace *place);

/* NULL is no overlap. */
bool tf_overlap_parse(const char *text, TfArrangement *arrangement, GError **error);
