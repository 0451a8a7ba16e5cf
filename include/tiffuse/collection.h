/* SPDX-License-Identifier: MIT
 *
 * Many mosaics, of which few are open at a time.  A *member* is a mosaic by
 * its source; it is opened when somebody needs it, on a thread of its own, and
 * closed when nobody has used it for some time or others need the room.  Who
 * works with an open member pins it; nothing else keeps it open, so that files
 * that are open but not read cost nothing.
 *
 * All members share memory= (the caches are one list, see lru.h), and each has
 * its own workers while it is open.
 *
 * Threads: any, except that tf_member_look() and tf_collection_errors() read from
 * disk, and tf_collection_free() waits.
 */
#pragma once
#include <tiffuse/engine.h>

typedef struct {
	const char *root;       /* where all sources lie; copied */
	TfMosaicOptions mosaic; /* of each member, but for source and name; its strings are borrowed */
	TfEngineOptions engine;
	unsigned max_open;      /* members that are open at a time, at least 1 */
	unsigned idle_s;        /* after which an unused member is closed */
} TfCollectionOptions;

typedef struct _TfCollection TfCollection;
typedef struct _TfMember TfMember;

TfCollection *tf_collection_new(const TfCollectionOptions *options);

/* Takes no more work and fails all who wait with CANCELLED, at once. */
void tf_collection_stop(TfCollection *collection);

/* Waits for what is being opened, closes everything. */
void tf_collection_free(TfCollection *collection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfCollection, tf_collection_free)

/* The member of that source (an absolute path); lives as long as the collection. */
TfMember *tf_collection_member(TfCollection *collection, const char *source);

const char *tf_member_source(const TfMember *member);

/* --- a member ------------------------------------------------------------------------ */

/* Looks whether the source changed: a failure is then forgotten, and the member
 * is opened anew when nobody holds it any more.  Reads from disk. */
void tf_member_look(TfMember *member);

/* What stat tells of a mosaic, remembered after it was closed. */
typedef struct {
	uint64_t file_bytes, estimated_bytes;
	struct timespec changed;      /* the newest of the source's times */
	char fingerprint[65];
} TfMemberFacts;

/* False when they are not known, or no longer true; never of a pinned member. */
bool tf_member_facts(TfMember *member, TfMemberFacts *facts);

/* What the caller will use: reading pixels takes an engine with its threads. */
typedef enum { TF_NEED_MOSAIC, TF_NEED_ENGINE } TfMemberNeed;

/* Exactly once: with the member open and pinned, or with the reason why it
 * cannot be.  On the calling thread when the answer is at hand, otherwise on
 * one that opens; must not block. */
typedef void (*TfMemberFunc)(TfMember *member, const GError *error, void *data);
void tf_member_open(TfMember *member, TfMemberNeed need, TfMemberFunc func, void *data);

/* Pins the member if it is still what it was when it had this generation. */
bool tf_member_pin_same(TfMember *member, uint64_t generation);
void tf_member_unpin(TfMember *member);

/* While it is held, a changed source does not make it another mosaic, unless
 * it had to be closed meanwhile. */
void tf_member_hold(TfMember *member);
void tf_member_unhold(TfMember *member);

/* While it is pinned.  Each opening is another generation, from 1. */
const TfMosaic *tf_member_mosaic(const TfMember *member);
TfEngine *tf_member_engine(const TfMember *member);
uint64_t tf_member_generation(const TfMember *member);

/* --- reports --------------------------------------------------------------------------- */

/* "key: value" lines of all members together; docs/tree.md explains them. */
char *tf_collection_status(TfCollection *collection);

/* "SOURCE: reason" lines of the members that could not be opened when they were
 * tried last and that are still there; sources without the root.  Reads from disk. */
char *tf_collection_errors(TfCollection *collection);
