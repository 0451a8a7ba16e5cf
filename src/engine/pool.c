/* SPDX-License-Identifier: MIT */
#include "engine_private.h"

#include <tiffuse/vips_env.h>

/* What a worker takes next.  Tiles before strips, since they set memory free;
 * planning as soon as the strips of its priority run short, so that no core
 * waits for the next group. */
typedef struct {
	TileJob *tile;
	StripJob *strip;
	Pass *plan;
} Work;

static Pass *pop_plan_locked(TfEngine *engine, TfPriority p)
{
	Pass *pass = g_queue_pop_head(&engine->plan_queue[p]);
	if (pass)
		pass->queued = false;
	return pass;
}

/* Two strips of one source cannot be decoded at a time: they share a cursor.
 * The later one is parked with the source. */
static StripJob *pop_strip_locked(TfEngine *engine, TfPriority p)
{
	GList *link;
	while ((link = g_queue_pop_head_link(&engine->strip_queue[p]))) {
		StripJob *job = link->data;
		GQueue *parked = g_hash_table_lookup(engine->busy_sources, GUINT_TO_POINTER(job->source));
		if (!parked) {
			g_hash_table_insert(engine->busy_sources, GUINT_TO_POINTER(job->source), g_queue_new());
			job->running = true;
			return job;
		}
		job->parked = true;
		g_queue_push_tail_link(parked, link);
	}
	return NULL;
}

static bool pop_work_locked(TfEngine *engine, Work *work)
{
	*work = (Work){0};
	for (int p = 0; p < TF_PRIORITIES; p++) {
		if ((work->tile = g_queue_pop_head(&engine->tile_queue[p])))
			return true;
		if (engine->strip_queue[p].length < 2 * engine->n_threads && (work->plan = pop_plan_locked(engine, p)))
			return true;
		if ((work->strip = pop_strip_locked(engine, p)))
			return true;
	}
	return false;
}

static gpointer worker(gpointer data)
{
	TfEngine *engine = data;
	Work work;
	g_mutex_lock(&engine->lock);
	while (!engine->stopping) {
		if (!pop_work_locked(engine, &work)) {
			g_cond_wait(&engine->work, &engine->lock);
			continue;
		}
		g_mutex_unlock(&engine->lock);
		if (work.tile)
			tf_tile_job_run(engine, work.tile);
		else if (work.strip)
			tf_strip_job_run(engine, work.strip);
		else
			tf_pass_plan(work.plan);
		g_mutex_lock(&engine->lock);
	}
	g_mutex_unlock(&engine->lock);
	tf_vips_thread_end();
	return NULL;
}

void tf_pool_push_tile_locked(TfEngine *engine, TileJob *job)
{
	g_queue_push_tail(&engine->tile_queue[job->group->pass->priority], job);
	g_cond_signal(&engine->work);
}

void tf_pool_push_plan_locked(TfEngine *engine, Pass *pass)
{
	if (pass->queued || pass->planning || !tf_pass_may_plan_locked(pass))
		return;
	pass->queued = true;
	g_queue_push_tail(&engine->plan_queue[pass->priority], tf_pass_ref(pass));
	g_cond_signal(&engine->work);
}

bool tf_pool_start(TfEngine *engine, unsigned threads)
{
	engine->n_threads = threads;
	engine->threads = g_new0(GThread *, threads);
	for (unsigned i = 0; i < threads; i++)
		engine->threads[i] = g_thread_new("worker", worker, engine);
	return true;
}

void tf_pool_stop(TfEngine *engine)
{
	g_mutex_lock(&engine->lock);
	engine->stopping = true;
	g_cond_broadcast(&engine->work);
	g_cond_broadcast(&engine->tick);
	g_mutex_unlock(&engine->lock);
	for (unsigned i = 0; i < engine->n_threads; i++)
		g_thread_join(engine->threads[i]);
	g_clear_pointer(&engine->threads, g_free);
}
