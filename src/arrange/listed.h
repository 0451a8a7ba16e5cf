/* SPDX-License-Identifier: MIT
 *
 * The files that an arrangement file lists: their names are relative to its
 * folder, must stay in it, and must exist.
 */
#pragma once
#include <tiffuse/arrange.h>

typedef struct _TfListed TfListed;

/* Collects into arrangement->places, which it borrows with `options`. */
TfListed *tf_listed_new(TfArrangement *arrangement, const TfArrangeOptions *options);
void tf_listed_free(TfListed *listed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfListed, tf_listed_free)

/* Appends *place, whose line is set, with the path that `name` means.  A file
 * that does not exist is no error yet. */
bool tf_listed_add(TfListed *listed, const char *name, TfPlace place, GError **error);

/* After the last: MISSING when files do not exist (all of them, with
 * missing=fill), ARRANGEMENT when none was listed.  Otherwise returns what
 * the summary should say of them, e.g. "2000 tiles"; the caller frees it. */
char *tf_listed_finish(TfListed *listed, GError **error);

/* Finishes a file whose positions are of unrotated pixels: that, and the
 * arrangement's summary, "KIND FILE: N tiles". */
bool tf_listed_conclude(TfListed *listed, const char *kind, GError **error);
