/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/hub/lane.h"

#include "core/base/thread.h"

static struct tc_hub_job *take(struct tc_hub_lane *l)
{
    struct tc_hub_job *job = NULL;
    (void)pthread_mutex_lock(&l->lock);
    while (!l->first && !l->is_stopping) {
        (void)pthread_cond_wait(&l->wake, &l->lock);
    }
    job = l->first;
    if (job) {
        l->first = job->next;
        l->last = l->first ? l->last : NULL;
        l->count--;
        job->next = NULL;
    }
    (void)pthread_mutex_unlock(&l->lock);
    return job;
}

static void *serve(void *arg)
{
    tc_thread_name("hub-lane");
    struct tc_hub_lane *l = arg;
    struct tc_hub_job *job = NULL;
    while ((job = take(l)) != NULL) {
        job->run(l->ctx, job);
        (void)pthread_mutex_lock(&l->lock);
        if (l->done_last) {
            l->done_last->next = job;
        } else {
            l->done_first = job;
        }
        l->done_last = job;
        (void)pthread_mutex_unlock(&l->lock);
        l->on_done(l->on_done_arg);
    }
    return NULL;
}

tc_err tc_hub_lane_start(struct tc_hub_lane *l)
{
    if (pthread_mutex_init(&l->lock, NULL) != 0) {
        return TC_ENOMEM;
    }
    if (pthread_cond_init(&l->wake, NULL) != 0) {
        (void)pthread_mutex_destroy(&l->lock);
        return TC_ENOMEM;
    }
    if (pthread_create(&l->thread, NULL, serve, l) != 0) {
        (void)pthread_cond_destroy(&l->wake);
        (void)pthread_mutex_destroy(&l->lock);
        return TC_ENOMEM;
    }
    l->is_started = true;
    return TC_OK;
}

tc_err tc_hub_lane_post(struct tc_hub_lane *l, struct tc_hub_job *job)
{
    tc_err err = TC_EFULL;
    if (!l->is_started) {
        return TC_EUNSUPPORTED;
    }
    (void)pthread_mutex_lock(&l->lock);
    if (l->count < l->count_max && !l->is_stopping) {
        job->next = NULL;
        if (l->last) {
            l->last->next = job;
        } else {
            l->first = job;
        }
        l->last = job;
        l->count++;
        err = TC_OK;
    }
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
    return err;
}

void tc_hub_lane_take_back(struct tc_hub_lane *l, void *hub)
{
    if (!l->is_started) {
        return;
    }
    (void)pthread_mutex_lock(&l->lock);
    struct tc_hub_job *job = l->done_first;
    l->done_first = NULL;
    l->done_last = NULL;
    (void)pthread_mutex_unlock(&l->lock);
    while (job) {
        struct tc_hub_job *next = job->next;
        job->done(hub, job);
        job = next;
    }
}

void tc_hub_lane_stop(struct tc_hub_lane *l, void *hub)
{
    if (!l->is_started) {
        return;
    }
    (void)pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    (void)pthread_cond_signal(&l->wake);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    tc_hub_lane_take_back(l, hub);
    l->is_started = false;
    (void)pthread_cond_destroy(&l->wake);
    (void)pthread_mutex_destroy(&l->lock);
}
