/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <tiffuse/error.h>
#include <tiffuse/flight.h>

typedef struct {
	_Atomic int calls;
	GBytes *bytes;
	int code; /* of the error, or -1 */
} Told;

static void on_landed(GBytes *bytes, const GError *error, void *data)
{
	Told *told = data;
	g_assert_true(!bytes != !error);
	told->bytes = bytes;
	told->code = error ? error->code : -1;
	atomic_fetch_add(&told->calls, 1);
}

static void test_all_are_told_once(void)
{
	g_autoptr(TfFlight) flight = tf_flight_new();
	g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
	Told told[5] = {0};
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(tf_flight_join(flight, 7, on_landed, &told[i]), ==, i == 0);
	g_assert_cmpuint(tf_flight_waiters(flight, 7), ==, 5);
	g_assert_cmpuint(tf_flight_waiters(flight, 8), ==, 0);
	tf_flight_land(flight, 8, bytes, NULL); /* nothing there: nothing happens */
	tf_flight_land(flight, 7, bytes, NULL);
	tf_flight_land(flight, 7, bytes, NULL);
	for (int i = 0; i < 5; i++) {
		g_assert_cmpint(told[i].calls, ==, 1);
		g_assert_true(told[i].bytes == bytes);
	}
	Told again = {0}; /* nothing is kept */
	g_assert_true(tf_flight_join(flight, 7, on_landed, &again));
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_DAMAGED, "broken");
	tf_flight_land(flight, 7, NULL, error);
	g_assert_cmpint(again.code, ==, TF_ERROR_DAMAGED);
	g_assert_true(tf_flight_join(flight, 7, NULL, NULL));
	tf_flight_land(flight, 7, NULL, error);
}

static void test_leave(void)
{
	g_autoptr(TfFlight) flight = tf_flight_new();
	Told a = {0}, b = {0};
	unsigned left = 77;
	g_assert_false(tf_flight_leave(flight, 1, on_landed, &a, &left));
	g_assert_cmpuint(left, ==, 0);
	tf_flight_join(flight, 1, on_landed, &a);
	tf_flight_join(flight, 1, on_landed, &b);
	tf_flight_join(flight, 1, on_landed, &a); /* the same twice counts twice */
	g_assert_true(tf_flight_leave(flight, 1, on_landed, &a, &left));
	g_assert_cmpuint(left, ==, 2);
	g_assert_false(tf_flight_forget(flight, 1));
	g_assert_true(tf_flight_leave(flight, 1, on_landed, &a, &left));
	g_assert_false(tf_flight_leave(flight, 1, on_landed, &a, &left));
	g_assert_cmpuint(left, ==, 1);
	g_assert_true(tf_flight_leave(flight, 1, on_landed, &b, &left));
	g_assert_cmpuint(left, ==, 0);
	g_assert_false(tf_flight_join(flight, 1, on_landed, &b)); /* still in the air */
	g_assert_true(tf_flight_leave(flight, 1, on_landed, &b, &left));
	g_assert_true(tf_flight_forget(flight, 1));
	g_assert_true(tf_flight_forget(flight, 1)); /* nothing there: nobody waits */
	g_assert_true(tf_flight_join(flight, 1, on_landed, &b));
	g_assert_true(tf_flight_leave(flight, 1, on_landed, &b, &left));
	g_assert_true(tf_flight_forget(flight, 1));
	g_assert_cmpint(a.calls + b.calls, ==, 0);
}

static void test_land_all(void)
{
	g_autoptr(TfFlight) flight = tf_flight_new();
	g_autoptr(GError) error = g_error_new(TF_ERROR, TF_ERROR_CANCELLED, "over");
	Told told[40] = {0};
	for (uint64_t i = 0; i < 40; i++) /* ids that differ in the upper half, too */
		tf_flight_join(flight, i % 20 << (i % 2 * 40), on_landed, &told[i]);
	tf_flight_join(flight, 999, NULL, NULL);
	tf_flight_land_all(flight, error);
	for (int i = 0; i < 40; i++) {
		g_assert_cmpint(told[i].calls, ==, 1);
		g_assert_cmpint(told[i].code, ==, TF_ERROR_CANCELLED);
	}
	g_assert_true(tf_flight_join(flight, 999, NULL, NULL));
	tf_flight_land_all(flight, error);
	tf_flight_land_all(flight, error);
}

/* --- threads ------------------------------------------------------------------- */

enum { IDS = 5, ROUNDS = 5000 };

typedef struct {
	TfFlight *flight;
	_Atomic int making[IDS]; /* at most one at a time */
	_Atomic int made, told, left;
} Race;

static void on_race(GBytes *bytes, const GError *error, void *data)
{
	atomic_fetch_add((_Atomic int *)data, 1);
}

static void join_once(Race *race, GRand *random, GBytes *bytes)
{
	uint64_t id = (uint64_t)g_rand_int_range(random, 0, IDS);
	_Atomic int calls = 0;
	unsigned others;
	if (tf_flight_join(race->flight, id, on_race, &calls)) {
		g_assert_cmpint(atomic_fetch_add(&race->making[id], 1), ==, 0);
		g_thread_yield();
		atomic_fetch_add(&race->made, 1);
		atomic_fetch_sub(&race->making[id], 1);
		tf_flight_land(race->flight, id, bytes, NULL);
	} else if (g_rand_boolean(random) && tf_flight_leave(race->flight, id, on_race, &calls, &others)) {
		g_assert_cmpint(calls, ==, 0);
		atomic_fetch_add(&race->left, 1);
		return;
	}
	while (calls == 0)
		g_thread_yield();
	g_assert_cmpint(calls, ==, 1);
	atomic_fetch_add(&race->told, 1);
}

static gpointer race_thread(gpointer data)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
	GRand *random = g_rand_new();
	for (int i = 0; i < ROUNDS; i++)
		join_once(data, random, bytes);
	g_rand_free(random);
	return NULL;
}

static void test_threads(void)
{
	g_autoptr(TfFlight) flight = tf_flight_new();
	Race race = {.flight = flight};
	GThread *threads[4];
	for (int i = 0; i < 4; i++)
		threads[i] = g_thread_new("race", race_thread, &race);
	for (int i = 0; i < 4; i++)
		g_thread_join(threads[i]);
	g_assert_cmpint(race.told + race.left, ==, 4 * ROUNDS);
	g_assert_cmpint(race.made, <=, race.told);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/flight/told-once", test_all_are_told_once);
	g_test_add_func("/flight/leave", test_leave);
	g_test_add_func("/flight/land-all", test_land_all);
	g_test_add_func("/flight/threads", test_threads);
	return g_test_run();
}
