/* SPDX-License-Identifier: MIT
 *
 * The LRU against a plain list.
 */
#include <tiffuse/lru.h>

typedef struct {
	int refs;
	int64_t bytes;
	gatomicrefcount users;
} Value;

static int n_alive;

static Value *value_new(int64_t bytes)
{
	Value *value = g_new0(Value, 1);
	*value = (Value){.refs = 1, .bytes = bytes};
	tf_memory_count(TF_MEMORY_TILES, bytes);
	n_alive++;
	return value;
}

static void *value_ref(void *value)
{
	((Value *)value)->refs++;
	return value;
}

static void value_unref(void *data)
{
	Value *value = data;
	g_assert_cmpint(value->refs, >, 0);
	if (--value->refs > 0)
		return;
	tf_memory_count(TF_MEMORY_TILES, -value->bytes);
	g_free(value);
	n_alive--;
}

static bool value_in_use(void *value)
{
	return ((Value *)value)->refs > 1;
}

enum { SHARED, KEPT, TAKEN, CLASSES };
static const TfLruClass classes[CLASSES] = {
        [SHARED] = {value_ref, value_unref, NULL},
        [KEPT] = {value_ref, value_unref, value_in_use},
        [TAKEN] = {NULL, value_unref, NULL},
};

/* --- the plain list ------------------------------------------------------------ */

typedef struct {
	unsigned class;
	uint64_t id;
	Value *value;
} Item;

static GArray *list; /* oldest first */

static int find(unsigned class, uint64_t id)
{
	for (guint i = 0; i < list->len; i++) {
		const Item *item = &g_array_index(list, Item, i);
		if (item->class == class && item->id == id)
			return (int)i;
	}
	return -1;
}

static void move_to_end(int i)
{
	Item item = g_array_index(list, Item, i);
	g_array_remove_index(list, (guint)i);
	g_array_append_val(list, item);
}

/* What the LRU should do; the books are the plain list's own sum. */
static void list_trim(uint64_t limit, int64_t *used)
{
	guint looked = 0, n = list->len;
	while (*used > (int64_t)limit && looked++ < n) {
		Item *item = &g_array_index(list, Item, 0);
		if (item->class == KEPT && item->value->refs > 1) {
			move_to_end(0);
			continue;
		}
		if (item->value->refs == 1)
			*used -= item->value->bytes;
		g_array_remove_index(list, 0);
		looked = 0;
		n = list->len;
	}
}

/* --- random steps ----------------------------------------------------------------- */

typedef struct {
	TfLru *lru;
	GRand *random;
	GPtrArray *held; /* references of ours */
} Walk;

static void put(Walk *w, unsigned class, uint64_t id)
{
	Value *value = value_new(g_rand_int_range(w->random, 1, 100));
	int older = find(class, id);
	if (older >= 0)
		g_array_remove_index(list, (guint)older);
	Item item = {class, id, value};
	g_array_append_val(list, item);
	tf_lru_put(w->lru, class, id, value);
}

static void get(Walk *w, unsigned class, uint64_t id)
{
	int i = find(class, id);
	Value *value = class == TAKEN ? tf_lru_take(w->lru, class, id) : tf_lru_get(w->lru, class, id);
	g_assert_true(value == (i < 0 ? NULL : g_array_index(list, Item, i).value));
	if (i >= 0 && class == TAKEN)
		g_array_remove_index(list, (guint)i);
	else if (i >= 0)
		move_to_end(i);
	if (value && g_rand_boolean(w->random))
		g_ptr_array_add(w->held, value);
	else if (value)
		value_unref(value);
}

static void trim(Walk *w)
{
	int64_t used = (int64_t)tf_memory_total();
	list_trim(tf_lru_limit(w->lru), &used);
	tf_lru_trim(w->lru);
	g_assert_cmpuint(tf_memory_total(), ==, (uint64_t)used);
}

static void clear(Walk *w, unsigned class)
{
	for (guint i = list->len; i-- > 0;)
		if (g_array_index(list, Item, i).class == class)
			g_array_remove_index(list, i);
	tf_lru_clear(w->lru, class);
}

static void release_one(Walk *w)
{
	if (w->held->len > 0)
		g_ptr_array_remove_index(w->held, (guint)g_rand_int_range(w->random, 0, (gint32)w->held->len));
}

static void step(Walk *w)
{
	unsigned class = (unsigned)g_rand_int_range(w->random, 0, CLASSES);
	uint64_t id = (uint64_t)g_rand_int_range(w->random, 0, 25) << (class * 20);
	int choice = g_rand_int_range(w->random, 0, 200);
	if (choice < 80)
		put(w, class, id);
	else if (choice < 150)
		get(w, class, id);
	else if (choice < 170)
		trim(w);
	else if (choice < 199)
		release_one(w);
	else
		clear(w, class);
	uint64_t counts[CLASSES] = {0};
	for (guint i = 0; i < list->len; i++)
		counts[g_array_index(list, Item, i).class]++;
	for (unsigned c = 0; c < CLASSES; c++)
		g_assert_cmpuint(tf_lru_count(w->lru, c), ==, counts[c]);
}

static void test_model(void)
{
	for (uint32_t seed = 0; seed < 30; seed++) {
		list = g_array_new(FALSE, FALSE, sizeof(Item));
		Walk w = {tf_lru_new(classes, CLASSES, 100 * seed), g_rand_new_with_seed(seed),
		          g_ptr_array_new_with_free_func(value_unref)};
		g_assert_cmpuint(tf_lru_limit(w.lru), ==, 100 * seed);
		for (int i = 0; i < 3000; i++)
			step(&w);
		tf_lru_free(w.lru);
		g_ptr_array_unref(w.held);
		g_rand_free(w.random);
		g_array_unref(list);
		g_assert_cmpint(n_alive, ==, 0);
		g_assert_cmpuint(tf_memory_total(), ==, 0);
	}
}

static void test_in_use_stays(void)
{
	g_autoptr(TfLru) lru = tf_lru_new(classes, CLASSES, 10);
	Value *mine = value_ref(value_new(1000));
	tf_lru_put(lru, KEPT, 1, mine);
	tf_lru_put(lru, KEPT, 2, value_new(5));
	tf_lru_trim(lru); /* ends, though nothing more can be had */
	g_assert_cmpuint(tf_lru_count(lru, KEPT), ==, 1);
	value_unref(mine);
	tf_lru_trim(lru);
	g_assert_cmpuint(tf_lru_count(lru, KEPT), ==, 0);
	g_assert_null(tf_lru_get(lru, KEPT, 1));
	g_assert_null(tf_lru_take(lru, TAKEN, 1));
}

/* --- threads ------------------------------------------------------------------------ */

static void *atomic_value_ref(void *value)
{
	g_atomic_ref_count_inc(&((Value *)value)->users);
	return value;
}

static void atomic_value_unref(void *value)
{
	if (!g_atomic_ref_count_dec(&((Value *)value)->users))
		return;
	tf_memory_count(TF_MEMORY_STRIPS, -((Value *)value)->bytes);
	g_free(value);
}

static const TfLruClass atomic_classes[2] = {{.ref = atomic_value_ref, .unref = atomic_value_unref},
                                             {.unref = atomic_value_unref}};

static gpointer lru_thread(gpointer lru)
{
	GRand *random = g_rand_new_with_seed((guint32)g_get_monotonic_time());
	for (int i = 0; i < 20000; i++) {
		uint64_t id = (uint64_t)g_rand_int_range(random, 0, 50);
		unsigned class = id % 2;
		Value *value = class ? tf_lru_take(lru, class, id) : tf_lru_get(lru, class, id);
		if (value) {
			g_assert_cmpint(value->bytes, ==, 10 + (int64_t)id);
			atomic_value_unref(value);
			continue;
		}
		value = g_new0(Value, 1);
		value->bytes = 10 + (int64_t)id;
		g_atomic_ref_count_init(&value->users);
		tf_memory_count(TF_MEMORY_STRIPS, value->bytes);
		tf_lru_put(lru, class, id, value);
		tf_lru_trim(lru);
	}
	g_rand_free(random);
	return NULL;
}

static void test_threads(void)
{
	GThread *threads[4];
	TfLru *lru = tf_lru_new(atomic_classes, 2, 800);
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("lru", lru_thread, lru);
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
	tf_lru_trim(lru);
	g_assert_cmpuint(tf_memory_total(), <=, 800);
	tf_lru_free(lru);
	g_assert_cmpuint(tf_memory_total(), ==, 0);
}

/* --- a class that is kept ------------------------------------------------------------- */

static void cursor_unref(void *value)
{
	tf_memory_count(TF_MEMORY_CURSORS, -((Value *)value)->bytes);
	g_free(value);
}

static const TfLruClass kept_classes[2] = {{.ref = atomic_value_ref, .unref = atomic_value_unref},
                                           {.unref = cursor_unref, .memory = TF_MEMORY_CURSORS, .kept_percent = 40}};

static void put_counted(TfLru *lru, unsigned class, uint64_t id, int64_t bytes)
{
	Value *value = g_new0(Value, 1);
	value->bytes = bytes;
	g_atomic_ref_count_init(&value->users);
	tf_memory_count(class ? TF_MEMORY_CURSORS : TF_MEMORY_STRIPS, bytes);
	tf_lru_put(lru, class, id, value);
	tf_lru_trim(lru);
}

/* Old entries of a kept class outlast any number of new ones of another, up to
 * their share; beyond it, and when nothing else is there, they go. */
static void test_kept(void)
{
	g_autoptr(TfLru) lru = tf_lru_new(kept_classes, 2, 1000);
	for (uint64_t id = 0; id < 3; id++)
		put_counted(lru, 1, id, 100);
	for (uint64_t id = 0; id < 50; id++)
		put_counted(lru, 0, id, 150);
	g_assert_cmpuint(tf_lru_count(lru, 1), ==, 3);
	g_assert_cmpuint(tf_memory_total(), <=, 1000);
	for (uint64_t id = 10; id < 20; id++)
		put_counted(lru, 1, id, 100);
	for (uint64_t id = 100; id < 150; id++)
		put_counted(lru, 0, id, 150);
	g_assert_cmpuint(tf_lru_count(lru, 1), ==, 4); /* 40% of 1000 */
	tf_memory_count(TF_MEMORY_HEADER, 900);
	tf_lru_trim(lru);
	g_assert_cmpuint(tf_lru_count(lru, 0), ==, 0);
	g_assert_cmpuint(tf_lru_count(lru, 1), ==, 1);
	tf_memory_count(TF_MEMORY_HEADER, -900);
}

/* Two lists, one budget: the oldest of both goes, whoever asks. */
static void test_shared_budget(void)
{
	TfLru *idle = tf_lru_new(classes, CLASSES, 1000), *busy = tf_lru_new(classes, CLASSES, 1000);
	for (uint64_t id = 0; id < 8; id++)
		tf_lru_put(idle, SHARED, id, value_new(100));
	value_unref(tf_lru_get(idle, SHARED, 3)); /* is the youngest now */
	for (uint64_t id = 0; id < 9; id++) {
		tf_lru_put(busy, SHARED, id, value_new(100));
		tf_lru_trim(busy);
		g_assert_cmpuint(tf_memory_total(), <=, 1000);
	}
	g_assert_cmpuint(tf_lru_count(busy, SHARED), ==, 9);
	g_assert_cmpuint(tf_lru_count(idle, SHARED), ==, 1);
	Value *youngest = tf_lru_get(idle, SHARED, 3);
	g_assert_nonnull(youngest);
	value_unref(youngest);
	tf_lru_free(busy);
	tf_lru_put(idle, SHARED, 9, value_new(950));
	tf_lru_trim(idle);
	g_assert_cmpuint(tf_lru_count(idle, SHARED), ==, 1);
	tf_lru_free(idle);
	g_assert_cmpint(n_alive, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lru/model", test_model);
	g_test_add_func("/lru/in-use-stays", test_in_use_stays);
	g_test_add_func("/lru/threads", test_threads);
	g_test_add_func("/lru/kept", test_kept);
	g_test_add_func("/lru/shared-budget", test_shared_budget);
	return g_test_run();
}
