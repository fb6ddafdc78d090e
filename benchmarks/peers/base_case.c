/* The base case as a loop written for this one model: the least that a simulation of it costs.
 *
 * One binary heap of events, two rings of waiters, and a record of every request. Uniform numbers
 * come from xoshiro256++ (Blackman and Vigna 2021), normal ones from the polar method.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct parameters {
    int64_t users, threads, connections;
    double think_s, query_mu, query_sigma, wait_limit_s, horizon_s;
};

struct outcome {
    int64_t requests, expired;
    double mean_s;
};

struct record {
    double start, end;
    int32_t user, expired;
};

struct event {
    double time;
    int64_t who; /* a user who ends thinking; from `users` on, one whose query is done */
};

struct ring {
    int64_t *users, first, count, room;
};

struct luck {
    uint64_t state[4];
    double spare;
    int has_spare;
};

struct run {
    const struct parameters *given;
    struct luck luck;
    struct event *heap;
    int64_t events, threads, connections;
    struct ring for_thread, for_connection;
    double *started, *limits; /* by user: when its request was sent, when its wait expires */
    struct record *records;
    int64_t written, room;
};

/* Randomness. */

static uint64_t rotated(uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }

static double uniform(struct luck *luck) {
    uint64_t *s = luck->state;
    uint64_t drawn = rotated(s[0] + s[3], 23) + s[0], shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 45);
    return (double)(drawn >> 11) * 0x1.0p-53;
}

static void seed_luck(struct luck *luck, uint64_t seed) {
    for (int i = 0; i < 4; i++) { /* splitmix64, as the authors advise */
        uint64_t mixed = seed += 0x9e3779b97f4a7c15u;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        luck->state[i] = mixed ^ (mixed >> 31);
    }
    luck->has_spare = 0;
}

static double exponential(struct luck *luck) { return -log(1.0 - uniform(luck)); }

static double normal(struct luck *luck) {
    double x, y, square;
    if (luck->has_spare) {
        luck->has_spare = 0;
        return luck->spare;
    }
    do {
        x = 2.0 * uniform(luck) - 1.0;
        y = 2.0 * uniform(luck) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    double factor = sqrt(-2.0 * log(square) / square);
    luck->spare = y * factor;
    luck->has_spare = 1;
    return x * factor;
}

/* The agenda. */

static void schedule(struct run *run, double time, int64_t who) {
    int64_t place = run->events++;
    while (place > 0) {
        int64_t above = (place - 1) / 2;
        if (run->heap[above].time <= time) break;
        run->heap[place] = run->heap[above];
        place = above;
    }
    run->heap[place] = (struct event){time, who};
}

static void forget_first(struct run *run) {
    struct event last = run->heap[--run->events];
    int64_t place = 0, below;
    while ((below = 2 * place + 1) < run->events) {
        if (below + 1 < run->events && run->heap[below + 1].time < run->heap[below].time) below++;
        if (run->heap[below].time >= last.time) break;
        run->heap[place] = run->heap[below];
        place = below;
    }
    run->heap[place] = last;
}

/* Lines. */

static void join(struct ring *ring, int64_t user) {
    int64_t place = ring->first + ring->count++;
    ring->users[place < ring->room ? place : place - ring->room] = user;
}

static int64_t leave(struct ring *ring) {
    int64_t user = ring->users[ring->first];
    if (++ring->first == ring->room) ring->first = 0;
    ring->count--;
    return user;
}

/* The model. */

static void begin_query(struct run *run, int64_t user, double now) {
    const struct parameters *given = run->given;
    double query_s = exp(given->query_mu + given->query_sigma * normal(&run->luck));
    schedule(run, now + query_s, given->users + user);
}

static void want_connection(struct run *run, int64_t user, double now) {
    if (run->connections > 0) {
        run->connections--;
        begin_query(run, user, now);
    } else {
        run->limits[user] = now + run->given->wait_limit_s;
        join(&run->for_connection, user);
    }
}

static int answer(struct run *run, int64_t user, double now, int expired) {
    if (run->written == run->room) {
        run->room *= 2;
        struct record *longer = realloc(run->records, (size_t)run->room * sizeof *longer);
        if (!longer) return 0;
        run->records = longer;
    }
    run->records[run->written++] =
        (struct record){run->started[user], now, (int32_t)user, expired};
    schedule(run, now + run->given->think_s * exponential(&run->luck), user);
    if (!expired) {
        if (run->for_connection.count > 0)
            begin_query(run, leave(&run->for_connection), now);
        else
            run->connections++;
    }
    if (run->for_thread.count > 0)
        want_connection(run, leave(&run->for_thread), now);
    else
        run->threads++;
    return 1;
}

static int until_horizon(struct run *run) {
    const struct parameters *given = run->given;
    for (;;) {
        struct event next = run->heap[0];
        struct ring *waiting = &run->for_connection;
        if (waiting->count > 0) {
            int64_t oldest = waiting->users[waiting->first];
            if (run->limits[oldest] < next.time && run->limits[oldest] <= given->horizon_s) {
                leave(waiting);
                if (!answer(run, oldest, run->limits[oldest], 1)) return 0;
                continue;
            }
        }
        if (next.time > given->horizon_s) return 1;
        forget_first(run);
        if (next.who >= given->users) {
            if (!answer(run, next.who - given->users, next.time, 0)) return 0;
        } else {
            run->started[next.who] = next.time;
            if (run->threads > 0) {
                run->threads--;
                want_connection(run, next.who, next.time);
            } else {
                join(&run->for_thread, next.who);
            }
        }
    }
}

static void sum_up(const struct run *run, struct outcome *found) {
    double total_s = 0.0;
    *found = (struct outcome){.requests = run->written};
    for (int64_t i = 0; i < run->written; i++) {
        total_s += run->records[i].end - run->records[i].start;
        found->expired += run->records[i].expired;
    }
    found->mean_s = total_s / (double)run->written;
}

/* Simulate a case; return whether there was enough memory. */
int simulate(const struct parameters *given, uint64_t seed, struct outcome *found) {
    size_t users = (size_t)given->users;
    struct run run = {
        .given = given,
        .threads = given->threads,
        .connections = given->connections,
        .heap = malloc(users * sizeof *run.heap),
        .started = malloc(users * sizeof *run.started),
        .limits = malloc(users * sizeof *run.limits),
        .for_thread = {.users = malloc(users * sizeof(int64_t)), .room = given->users},
        .for_connection = {.users = malloc(users * sizeof(int64_t)), .room = given->users},
        .room = 1024,
        .records = malloc(1024 * sizeof *run.records),
    };
    int enough = run.heap && run.started && run.limits && run.for_thread.users &&
                 run.for_connection.users && run.records;
    if (enough) {
        seed_luck(&run.luck, seed);
        for (int64_t user = 0; user < given->users; user++) schedule(&run, 0.0, user);
        enough = until_horizon(&run);
        if (enough) sum_up(&run, found);
    }
    free(run.heap);
    free(run.started);
    free(run.limits);
    free(run.for_thread.users);
    free(run.for_connection.users);
    free(run.records);
    return enough;
}
