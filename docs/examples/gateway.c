/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway over nanomsg: one reading to Tocsin.
 *
 *   cc gateway.c -lnanomsg -o gateway
 *   ./gateway ipc:///run/tocsin/gateway.sock gauge-1 water_level 0.35 m
 *
 * The socket sends again by itself until it is answered: only then is the reading on disk.
 * 在得到应答之前，读数尚未落盘；套接字会自动重发。
 */
#include <nanomsg/nn.h>
#include <nanomsg/reqrep.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* For names without quotes and control characters, as devices have them. */
static int write_request(char *to, size_t size, char **argv)
{
    char when[40];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return snprintf(to, size,
                    "{\"id\":\"%s-%lld%09ld\",\"observations\":[{\"kind\":\"reading\","
                    "\"device\":\"%s\",\"factor\":\"%s\",\"value\":%s,\"unit\":\"%s\","
                    "\"occurred\":\"%s\"}]}",
                    argv[2], (long long)now.tv_sec, now.tv_nsec, argv[2], argv[3], argv[4], argv[5],
                    when);
}

int main(int argc, char **argv)
{
    char request[1024];
    char *answer = NULL;
    int again_ms = 5000;
    int patience_ms = 30000;
    if (argc != 6) {
        fprintf(stderr, "usage: gateway URL DEVICE FACTOR VALUE UNIT\n");
        return 2;
    }
    int length = write_request(request, sizeof request, argv);
    int s = nn_socket(AF_SP, NN_REQ);
    if (length < 0 || (size_t)length >= sizeof request || s < 0) {
        return 2;
    }
    nn_setsockopt(s, NN_REQ, NN_REQ_RESEND_IVL, &again_ms, sizeof again_ms);
    nn_setsockopt(s, NN_SOL_SOCKET, NN_RCVTIMEO, &patience_ms, sizeof patience_ms);
    int got = -1;
    if (nn_connect(s, argv[1]) >= 0 && nn_send(s, request, (size_t)length, 0) >= 0) {
        got = nn_recv(s, &answer, NN_MSG, 0);
    }
    if (got < 0) {
        fprintf(stderr, "%s: %s\n", argv[1], nn_strerror(nn_errno()));
        nn_close(s);
        return 2;
    }
    printf("%.*s\n", got, answer);
    /* "ok":true says that it was understood, "seq" that it was taken. */
    static const char taken[] = "\"seq\":";
    int is_taken = 0;
    for (int i = 0; i + (int)sizeof taken - 1 <= got; i++) {
        is_taken = is_taken || memcmp(answer + i, taken, sizeof taken - 1) == 0;
    }
    nn_freemsg(answer);
    nn_close(s);
    return is_taken ? 0 : 1;
}
