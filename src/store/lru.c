/* SPDX-License-Identifier: MIT */
#include <tiffuse/lru.h>

#include <stdatomic.h>

typedef struct {
	uint64_t id;
	unsigned class;
	void *value;
	uint64_t used; /* reading of `now` */
	GList link;    /* in `order` */
} Entry;

struct _TfLru {
	const TfLruClass *classes;
	unsigned n_classes;
	uint64_t limit;
	TfLruEvictFunc *evict; /* per class, or NULL */
	void **evict_data;
	GMutex lock;         /* guards what follows */
	GHashTable *entries; /* Entry -> itself */
	GQueue order;        /* oldest first */
	uint64_t *counts;    /* per class */
	/* guarded by lists.lock: */
	GList link;          /* in lists.all */
	unsigned visitors;   /* threads that release what they evicted from it */
	bool tried;
};

/* All lists that there are: they share one budget.  Lock: before each lru->lock. */
static struct {
	GMutex lock;
	GCond left; /* a visitor has left */
	GQueue all;
} lists;

static _Atomic uint64_t now; /* counts uses */

static guint entry_hash(gconstpointer key)
{
	const Entry *entry = key;
	uint64_t h = (entry->id ^ ((uint64_t)entry->class << 60)) * UINT64_C(0x9E3779B97F4A7C15);
	return (guint)(h >> 32);
}

static gboolean entry_equal(gconstpointer a, gconstpointer b)
{
	const Entry *x = a, *y = b;
	return x->id == y->id && x->class == y->class;
}

TfLru *tf_lru_new(const TfLruClass *classes, unsigned n_classes, uint64_t limit_bytes)
{
	TfLru *lru = g_new0(TfLru, 1);
	lru->classes = classes;
	lru->n_classes = n_classes;
	lru->limit = limit_bytes;
	lru->counts = g_new0(uint64_t, n_classes);
	lru->evict = g_new0(TfLruEvictFunc, n_classes);
	lru->evict_data = g_new0(void *, n_classes);
	lru->entries = g_hash_table_new(entry_hash, entry_equal);
	g_queue_init(&lru->order);
	g_mutex_init(&lru->lock);
	lru->link.data = lru;
	g_mutex_lock(&lists.lock);
	g_queue_push_tail_link(&lists.all, &lru->link);
	g_mutex_unlock(&lists.lock);
	return lru;
}

static void release(TfLru *lru, Entry *entry)
{
	if (!entry)
		return;
	lru->classes[entry->class].unref(entry->value);
	g_free(entry);
}

void tf_lru_free(TfLru *lru)
{
	if (!lru)
		return;
	g_mutex_lock(&lists.lock);
	g_queue_unlink(&lists.all, &lru->link);
	while (lru->visitors > 0)
		g_cond_wait(&lists.left, &lists.lock);
	g_mutex_unlock(&lists.lock);
	for (unsigned c = 0; c < lru->n_classes; c++)
		tf_lru_clear(lru, c);
	g_hash_table_unref(lru->entries);
	g_mutex_clear(&lru->lock);
	g_free(lru->counts);
	g_free(lru->evict);
	g_free(lru->evict_data);
	g_free(lru);
}

void tf_lru_on_evict(TfLru *lru, unsigned class, TfLruEvictFunc func, void *data)
{
	lru->evict[class] = func;
	lru->evict_data[class] = data;
}

uint64_t tf_lru_limit(const TfLru *lru)
{
	return lru->limit;
}

static Entry *find_locked(TfLru *lru, unsigned class, uint64_t id)
{
	Entry key = {.id = id, .class = class};
	return g_hash_table_lookup(lru->entries, &key);
}

static void remove_locked(TfLru *lru, Entry *entry)
{
	g_queue_unlink(&lru->order, &entry->link);
	g_hash_table_remove(lru->entries, entry);
	lru->counts[entry->class]--;
}

static void touch_locked(TfLru *lru, Entry *entry)
{
	entry->used = ++now;
	g_queue_unlink(&lru->order, &entry->link);
	g_queue_push_tail_link(&lru->order, &entry->link);
}

void *tf_lru_get(TfLru *lru, unsigned class, uint64_t id)
{
	void *value = NULL;
	g_mutex_lock(&lru->lock);
	Entry *entry = find_locked(lru, class, id);
	if (entry) {
		touch_locked(lru, entry);
		value = lru->classes[class].ref(entry->value);
	}
	g_mutex_unlock(&lru->lock);
	return value;
}

void *tf_lru_take(TfLru *lru, unsigned class, uint64_t id)
{
	void *value = NULL;
	g_mutex_lock(&lru->lock);
	Entry *entry = find_locked(lru, class, id);
	if (entry) {
		remove_locked(lru, entry);
		value = entry->value;
	}
	g_mutex_unlock(&lru->lock);
	g_free(entry);
	return value;
}

void tf_lru_put(TfLru *lru, unsigned class, uint64_t id, void *value)
{
	Entry *entry = g_new(Entry, 1);
	*entry = (Entry){.id = id, .class = class, .value = value, .used = ++now, .link = {.data = entry}};
	g_mutex_lock(&lru->lock);
	Entry *older = find_locked(lru, class, id);
	if (older)
		remove_locked(lru, older);
	g_hash_table_add(lru->entries, entry);
	g_queue_push_tail_link(&lru->order, &entry->link);
	lru->counts[class]++;
	g_mutex_unlock(&lru->lock);
	release(lru, older);
}

static bool is_kept(const TfLru *lru, const Entry *entry)
{
	const TfLruClass *class = &lru->classes[entry->class];
	return class->kept_percent > 0 && tf_memory_used(class->memory) <= lru->limit / 100 * class->kept_percent;
}

/* The oldest entry that only we hold.  Those in use, or kept, count as just
 * used, so that a long list of them is not walked again and again. */
static Entry *pop_victim_locked(TfLru *lru, bool even_kept)
{
	for (guint left = lru->order.length; left > 0; left--) {
		Entry *entry = lru->order.head->data;
		const TfLruClass *class = &lru->classes[entry->class];
		if ((even_kept || !is_kept(lru, entry)) && (!class->in_use || !class->in_use(entry->value))) {
			remove_locked(lru, entry);
			return entry;
		}
		touch_locked(lru, entry);
	}
	return NULL;
}

/* The untried list whose oldest entry is the oldest of all. */
static TfLru *oldest_list_locked(void)
{
	TfLru *oldest = NULL;
	uint64_t used = 0;
	for (GList *link = lists.all.head; link; link = link->next) {
		TfLru *lru = link->data;
		if (lru->tried)
			continue;
		g_mutex_lock(&lru->lock);
		const Entry *head = lru->order.head ? lru->order.head->data : NULL;
		uint64_t head_used = head ? head->used : 0;
		g_mutex_unlock(&lru->lock);
		if (head && (!oldest || head_used < used)) {
			oldest = lru;
			used = head_used;
		}
	}
	return oldest;
}

/* Takes the victim out of whatever list has it; its list gets a visitor. */
static Entry *pop_victim(bool even_kept, TfLru **from)
{
	Entry *victim = NULL;
	g_mutex_lock(&lists.lock);
	for (GList *link = lists.all.head; link; link = link->next)
		((TfLru *)link->data)->tried = false;
	while (!victim && (*from = oldest_list_locked())) {
		(*from)->tried = true;
		g_mutex_lock(&(*from)->lock);
		victim = pop_victim_locked(*from, even_kept);
		g_mutex_unlock(&(*from)->lock);
	}
	if (victim)
		(*from)->visitors++;
	g_mutex_unlock(&lists.lock);
	return victim;
}

static void leave(TfLru *lru)
{
	g_mutex_lock(&lists.lock);
	lru->visitors--;
	g_cond_broadcast(&lists.left);
	g_mutex_unlock(&lists.lock);
}

void tf_lru_trim(TfLru *lru)
{
	tf_lru_make_room(lru, 0);
}

void tf_lru_make_room(TfLru *lru, uint64_t bytes)
{
	while (tf_memory_total() + bytes > lru->limit) {
		TfLru *from;
		Entry *victim = pop_victim(false, &from);
		if (!victim)
			victim = pop_victim(true, &from);
		if (!victim)
			return;
		if (from->evict[victim->class])
			from->evict[victim->class](victim->id, victim->value, from->evict_data[victim->class]);
		release(from, victim);
		leave(from);
	}
}

static Entry *pop_of_class_locked(TfLru *lru, unsigned class)
{
	for (GList *link = lru->order.head; link; link = link->next) {
		Entry *entry = link->data;
		if (entry->class == class) {
			remove_locked(lru, entry);
			return entry;
		}
	}
	return NULL;
}

void tf_lru_clear(TfLru *lru, unsigned class)
{
	for (;;) {
		g_mutex_lock(&lru->lock);
		Entry *entry = lru->counts[class] > 0 ? pop_of_class_locked(lru, class) : NULL;
		g_mutex_unlock(&lru->lock);
		if (!entry)
			return;
		release(lru, entry);
	}
}

uint64_t tf_lru_count(TfLru *lru, unsigned class)
{
	g_mutex_lock(&lru->lock);
	uint64_t count = lru->counts[class];
	g_mutex_unlock(&lru->lock);
	return count;
}
