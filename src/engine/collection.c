/* SPDX-License-Identifier: MIT */
#include "collection_private.h"

#include <string.h>
#include <sys/stat.h>
#include <tiffuse/log.h>
#include <tiffuse/vips_env.h>

enum {
	MAX_OPENERS = 8,              /* so that some sources that do not answer hold up no other */
	RETRY_US = 5 * 1000 * 1000,   /* a member that failed is tried again after this */
	TABLES_PART = 4,              /* of memory=: what scenes and headers of idle members may take */
};

typedef struct {
	TfMemberNeed need;
	TfMemberFunc func;
	void *data;
} Waiter;

/* --- when a source changed --------------------------------------------------------------- */

static void take_stamp(const char *path, Stamp *stamp)
{
	struct stat st;
	*stamp = (Stamp){0};
	if (stat(path, &st) == 0)
		*stamp = (Stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool stamps_equal(const Stamp *a, const Stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec;
}

void tf_member_look(TfMember *member)
{
	TfCollection *c = member->collection;
	Stamp source, origin;
	g_mutex_lock(&c->lock);
	g_autofree char *path = g_strdup(member->origin ? member->origin : member->source);
	g_mutex_unlock(&c->lock);
	take_stamp(member->source, &source);
	take_stamp(path, &origin);
	g_mutex_lock(&c->lock);
	bool same = stamps_equal(&source, &member->source_stamp) && stamps_equal(&origin, &member->origin_stamp);
	bool held = member->pins > 0 || member->holders > 0 || member->opening;
	if (!same && !held) {
		g_clear_error(&member->error);
		member->stale = member->mosaic != NULL;
		member->has_facts = false;
	}
	g_mutex_unlock(&c->lock);
}

bool tf_member_facts(TfMember *member, TfMemberFacts *facts)
{
	g_mutex_lock(&member->collection->lock);
	bool known = member->has_facts && !member->stale;
	if (known)
		*facts = member->facts;
	g_mutex_unlock(&member->collection->lock);
	return known;
}

/* --- closing -------------------------------------------------------------------------------- */

static void add_counters_locked(TfCollection *c, const TfEngine *engine)
{
	const TfCounters *from = &engine->counters;
	for (int k = 0; k < TF_MAX_LEVELS; k++)
		c->past.tiles_made += from->tiles_made[k];
	c->past.decoded_px += from->decoded_px;
	c->past.reads += from->reads;
	c->past.errors += from->errors;
}

static Closing detach_locked(TfMember *member)
{
	TfCollection *c = member->collection;
	Closing closing = {member->mosaic, member->engine};
	g_queue_unlink(&c->open, &member->link);
	member->mosaic = NULL;
	member->engine = NULL;
	member->stale = false;
	c->n_closed++;
	if (closing.engine)
		add_counters_locked(c, closing.engine);
	return closing;
}

void tf_closing_finish(Closing closing)
{
	tf_engine_free(closing.engine);
	tf_mosaic_free(closing.mosaic);
}

/* The member that was used longest ago, of those that can be closed. */
static TfMember *idlest_locked(TfCollection *c)
{
	for (GList *link = c->open.head; link; link = link->next) {
		TfMember *member = link->data;
		if (member->pins == 0 && !member->opening)
			return member;
	}
	return NULL;
}

static bool is_crowded_locked(const TfCollection *c)
{
	uint64_t tables =
	        tf_memory_used(TF_MEMORY_SCENE) + tf_memory_used(TF_MEMORY_HEADER) + tf_memory_used(TF_MEMORY_FLAT);
	return c->open.length + c->n_loading > c->options.max_open || tables > c->options.mosaic.memory_bytes / TABLES_PART;
}

static void make_room(TfCollection *c)
{
	TfMember *victim;
	g_mutex_lock(&c->lock);
	while (!c->stopping && is_crowded_locked(c) && (victim = idlest_locked(c))) {
		Closing closing = detach_locked(victim);
		g_mutex_unlock(&c->lock);
		tf_closing_finish(closing);
		g_mutex_lock(&c->lock);
	}
	g_mutex_unlock(&c->lock);
}

/* Closes what has not been used for idle_s. */
static gpointer janitor(gpointer data)
{
	TfCollection *c = data;
	gint64 idle_us = (gint64)c->options.idle_s * G_USEC_PER_SEC;
	g_mutex_lock(&c->lock);
	while (!c->stopping) {
		TfMember *member = idlest_locked(c);
		gint64 now = g_get_monotonic_time();
		if (member && member->last_us + idle_us <= now) {
			Closing closing = detach_locked(member);
			g_mutex_unlock(&c->lock);
			tf_closing_finish(closing);
			g_mutex_lock(&c->lock);
		} else if (c->open.length > 0) {
			g_cond_wait_until(&c->tick, &c->lock, member ? member->last_us + idle_us : now + idle_us);
		} else {
			g_cond_wait(&c->tick, &c->lock);
		}
	}
	g_mutex_unlock(&c->lock);
	return NULL;
}

/* --- opening -------------------------------------------------------------------------------- */

static bool is_satisfied_locked(const TfMember *member, TfMemberNeed need)
{
	return member->mosaic && (need == TF_NEED_MOSAIC || member->engine);
}

static void note_facts_locked(TfMember *member)
{
	const TfMosaic *mosaic = member->mosaic;
	const Stamp *a = &member->source_stamp, *b = &member->origin_stamp;
	bool newer = b->mtime.tv_sec > a->mtime.tv_sec ||
	             (b->mtime.tv_sec == a->mtime.tv_sec && b->mtime.tv_nsec > a->mtime.tv_nsec);
	member->facts = (TfMemberFacts){.file_bytes = mosaic->layout.file_bytes,
	                                .estimated_bytes = tf_mosaic_estimate_bytes(mosaic),
	                                .changed = newer ? b->mtime : a->mtime};
	g_strlcpy(member->facts.fingerprint, mosaic->fingerprint, sizeof member->facts.fingerprint);
	member->has_facts = true;
}

static TfMosaic *load_mosaic(TfMember *member, GError **error)
{
	TfMosaicOptions options = member->collection->options.mosaic;
	Stamp source, origin;
	options.source = member->source;
	options.name = NULL;
	take_stamp(member->source, &source); /* before: what changes meanwhile is seen later */
	TfMosaic *mosaic = tf_mosaic_open(&options, error);
	const char *path = mosaic ? mosaic->arrangement->origin : member->source;
	take_stamp(path, &origin);
	g_mutex_lock(&member->collection->lock);
	member->source_stamp = source;
	member->origin_stamp = origin;
	g_free(member->origin);
	member->origin = g_strdup(path);
	g_mutex_unlock(&member->collection->lock);
	return mosaic;
}

/* Takes the mosaic. */
static void install_mosaic_locked(TfMember *member, TfMosaic *mosaic)
{
	TfCollection *c = member->collection;
	member->mosaic = mosaic;
	member->generation++;
	member->last_us = g_get_monotonic_time();
	note_facts_locked(member);
	c->n_opened++;
	g_queue_push_tail_link(&c->open, &member->link);
	g_cond_broadcast(&c->tick);
}

static TfMemberNeed strongest_need_locked(const TfMember *member)
{
	TfMemberNeed need = TF_NEED_MOSAIC;
	for (GList *link = member->waiters.head; link; link = link->next)
		need = MAX(need, ((Waiter *)link->data)->need);
	return need;
}

/* Makes of the member what those who wait for it need. */
static bool provide(TfMember *member, GError **error)
{
	TfCollection *c = member->collection;
	Closing old = {0};
	g_mutex_lock(&c->lock);
	if (member->stale && member->pins == 0)
		old = detach_locked(member);
	bool load = !member->mosaic;
	bool start = strongest_need_locked(member) == TF_NEED_ENGINE && !member->engine;
	c->n_loading += load;
	g_mutex_unlock(&c->lock);
	tf_closing_finish(old);
	if (load) {
		make_room(c);
		g_autoptr(TfMosaic) mosaic = load_mosaic(member, error);
		g_mutex_lock(&c->lock);
		c->n_loading--;
		bool ok = mosaic != NULL;
		if (ok)
			install_mosaic_locked(member, g_steal_pointer(&mosaic));
		g_mutex_unlock(&c->lock);
		if (!ok)
			return false;
	}
	if (start) {
		TfEngine *engine = tf_engine_new(member->mosaic, &c->options.engine); /* no other thread changes it */
		g_mutex_lock(&c->lock);
		member->engine = engine;
		g_mutex_unlock(&c->lock);
	}
	return true;
}

/* Those who can be answered; each that succeeds has a pin. */
static GQueue take_waiters_locked(TfMember *member, const GError *error)
{
	GQueue taken = G_QUEUE_INIT;
	for (GList *link = member->waiters.head, *next; link; link = next) {
		Waiter *waiter = link->data;
		next = link->next;
		if (!error && !is_satisfied_locked(member, waiter->need))
			continue;
		g_queue_unlink(&member->waiters, link);
		g_queue_push_tail_link(&taken, link);
		member->pins += !error;
	}
	return taken;
}

static void answer(GQueue *waiters, TfMember *member, const GError *error)
{
	Waiter *waiter;
	while ((waiter = g_queue_pop_head(waiters))) {
		waiter->func(member, error, waiter->data);
		g_free(waiter);
	}
}

static void note_error(TfMember *member, const GError *error)
{
	TfCollection *c = member->collection;
	g_mutex_lock(&c->lock);
	g_clear_error(&member->error);
	member->error = error ? g_error_copy(error) : NULL;
	member->error_us = g_get_monotonic_time();
	c->n_failed += error != NULL;
	g_mutex_unlock(&c->lock);
	if (error)
		tf_log_once(TF_LOG_ERROR, member->source, "%s", error->message);
}

static void opener(gpointer data, gpointer user_data)
{
	TfMember *member = data;
	TfCollection *c = user_data;
	for (bool more = true; more;) {
		g_autoptr(GError) error = NULL;
		g_mutex_lock(&c->lock);
		more = !c->stopping;
		g_mutex_unlock(&c->lock);
		if (more && !provide(member, &error))
			note_error(member, error);
		else if (more)
			note_error(member, NULL);
		g_mutex_lock(&c->lock);
		GQueue ready = more ? take_waiters_locked(member, error) : (GQueue)G_QUEUE_INIT;
		more = more && !g_queue_is_empty(&member->waiters);
		member->opening = more;
		g_mutex_unlock(&c->lock);
		answer(&ready, member, error);
	}
	tf_vips_thread_end();
}

/* Those who wait when the end comes. */
static GError *cancelled(void)
{
	return g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "shutting down");
}

static void touch_locked(TfMember *member)
{
	member->last_us = g_get_monotonic_time();
	if (!member->mosaic)
		return;
	g_queue_unlink(&member->collection->open, &member->link);
	g_queue_push_tail_link(&member->collection->open, &member->link);
}

void tf_member_open(TfMember *member, TfMemberNeed need, TfMemberFunc func, void *data)
{
	TfCollection *c = member->collection;
	g_autoptr(GError) error = NULL;
	bool start = false, ready = false;
	g_mutex_lock(&c->lock);
	bool fresh = !member->stale || member->pins > 0;
	if (c->stopping) {
		error = cancelled();
	} else if (fresh && is_satisfied_locked(member, need)) {
		member->pins++;
		touch_locked(member);
		ready = true;
	} else if (member->error && g_get_monotonic_time() - member->error_us < RETRY_US) {
		error = g_error_copy(member->error);
	} else {
		Waiter *waiter = g_new(Waiter, 1);
		*waiter = (Waiter){need, func, data};
		g_queue_push_tail(&member->waiters, waiter);
		start = !member->opening;
		member->opening = true;
	}
	g_mutex_unlock(&c->lock);
	if (ready || error)
		func(member, error, data);
	else if (start)
		g_thread_pool_push(c->openers, member, NULL);
}

bool tf_member_pin_same(TfMember *member, uint64_t generation)
{
	g_mutex_lock(&member->collection->lock);
	bool same = member->engine && member->generation == generation;
	member->pins += same;
	g_mutex_unlock(&member->collection->lock);
	return same;
}

void tf_member_unpin(TfMember *member)
{
	g_mutex_lock(&member->collection->lock);
	g_assert(member->pins > 0);
	member->pins--;
	touch_locked(member);
	g_mutex_unlock(&member->collection->lock);
}

void tf_member_hold(TfMember *member)
{
	g_mutex_lock(&member->collection->lock);
	member->holders++;
	g_mutex_unlock(&member->collection->lock);
}

void tf_member_unhold(TfMember *member)
{
	g_mutex_lock(&member->collection->lock);
	member->holders--;
	g_mutex_unlock(&member->collection->lock);
}

const TfMosaic *tf_member_mosaic(const TfMember *member)
{
	return member->mosaic;
}

TfEngine *tf_member_engine(const TfMember *member)
{
	return member->engine;
}

uint64_t tf_member_generation(const TfMember *member)
{
	return member->generation;
}

/* --- the whole ------------------------------------------------------------------------------ */

static void member_free(gpointer data)
{
	TfMember *member = data;
	g_clear_error(&member->error);
	g_free(member->source);
	g_free(member->origin);
	g_free(member);
}

TfCollection *tf_collection_new(const TfCollectionOptions *options)
{
	TfCollection *c = g_new0(TfCollection, 1);
	c->options = *options;
	c->root = g_strdup(options->root);
	/* The spools of all that are open together stay below the bound. */
	c->options.engine.spool_bytes /= options->max_open;
	g_mutex_init(&c->lock);
	g_cond_init(&c->tick);
	c->members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, member_free);
	c->openers = g_thread_pool_new(opener, c, MAX_OPENERS, FALSE, NULL);
	c->janitor = g_thread_new("janitor", janitor, c);
	return c;
}

TfMember *tf_collection_member(TfCollection *c, const char *source)
{
	g_mutex_lock(&c->lock);
	TfMember *member = g_hash_table_lookup(c->members, source);
	if (!member) {
		member = g_new0(TfMember, 1);
		member->collection = c;
		member->source = g_strdup(source);
		member->link.data = member;
		g_hash_table_insert(c->members, member->source, member);
	}
	g_mutex_unlock(&c->lock);
	return member;
}

const char *tf_member_source(const TfMember *member)
{
	return member->source;
}

void tf_collection_stop(TfCollection *c)
{
	g_autoptr(GError) error = cancelled();
	GHashTableIter iter;
	gpointer value;
	GQueue waiters = G_QUEUE_INIT;
	g_autoptr(GPtrArray) engines = g_ptr_array_new();
	g_mutex_lock(&c->lock);
	c->stopping = true; /* from now on nothing in `open` is closed */
	g_cond_broadcast(&c->tick);
	g_hash_table_iter_init(&iter, c->members);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		TfMember *member = value;
		GQueue taken = take_waiters_locked(member, error);
		for (GList *link; (link = g_queue_pop_head_link(&taken));)
			g_queue_push_tail_link(&waiters, link);
		if (member->engine)
			g_ptr_array_add(engines, member->engine);
	}
	g_mutex_unlock(&c->lock);
	for (guint i = 0; i < engines->len; i++)
		tf_engine_stop(engines->pdata[i]);
	answer(&waiters, NULL, error);
}

void tf_collection_free(TfCollection *c)
{
	if (!c)
		return;
	tf_collection_stop(c);
	g_thread_pool_free(c->openers, TRUE, TRUE);
	g_thread_join(c->janitor);
	for (bool more = true; more;) {
		g_mutex_lock(&c->lock);
		TfMember *member = g_queue_peek_head(&c->open);
		Closing closing = member ? detach_locked(member) : (Closing){0};
		g_mutex_unlock(&c->lock);
		tf_closing_finish(closing);
		more = member != NULL;
	}
	g_hash_table_unref(c->members);
	g_cond_clear(&c->tick);
	g_mutex_clear(&c->lock);
	g_free(c->root);
	g_free(c);
}
