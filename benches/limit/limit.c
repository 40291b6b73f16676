/* The limit: the smallest program that could do a chat server's work. An epoll loop that keeps nothing but the list of
 * its connections and writes bytes to whom they are for. What it costs is what the kernel costs.
 *
 *     limit one PORT         each line is written to each of its recipients as soon as it is read
 *     limit gathered PORT    what arrives in one turn goes to each recipient in one write
 *
 * A line goes by its first byte: `b` to everybody, its sender among them; `p` to the connection that came next after
 * its sender's; `e` back to its sender. Lines are expected whole, as the load sends them; nobody is too slow.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, EVENTS = 1024, INPUT = 65536, GATHERED = 1 << 20 };

static int people[CONNECTIONS_MAX], count; /* descriptors, in the order in which they came */
static int seat[CONNECTIONS_MAX + 64];     /* the place of each descriptor in `people` */
static char input[INPUT], everybody[GATHERED];
static size_t gathered;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void say(int to, const char *bytes, size_t length) {
    ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
    if (sent >= 0 && (size_t)sent != length) {
        fprintf(stderr, "somebody is too slow\n");
        exit(1);
    }
}

static void say_to_all(const char *bytes, size_t length) {
    for (int i = 0; i < count; i++) say(people[i], bytes, length);
}

static void leave(int fd) {
    int last = people[--count];
    people[seat[fd]] = last;
    seat[last] = seat[fd];
    close(fd);
}

static void one_line(int from, const char *line, size_t length) {
    if (line[0] == 'b') say_to_all(line, length);
    else if (line[0] == 'p') say(people[seat[from] + 1], line, length);
    else say(from, line, length);
}

/* All lines of one read are alike. */
static void all_lines(int from, const char *lines, size_t length) {
    if (lines[0] != 'b') return one_line(from, lines, length);
    if (gathered + length > GATHERED) say_to_all(everybody, gathered), gathered = 0;
    memcpy(everybody + gathered, lines, length);
    gathered += length;
}

static void serve(int fd, int by_line) {
    ssize_t length = recv(fd, input, INPUT, 0);
    if (length <= 0) {
        if (length == 0 || errno != EAGAIN) leave(fd);
        return;
    }
    if (!by_line) return all_lines(fd, input, length);
    for (char *line = input, *end = input + length; line < end;) {
        char *next = (char *)memchr(line, '\n', end - line) + 1;
        one_line(fd, line, next - line);
        line = next;
    }
}

static void welcome(int listener, int epoll) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (count == CONNECTIONS_MAX) exit(1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
        seat[fd] = count;
        people[count++] = fd;
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "limit one|gathered PORT\n"), 2;
    int by_line = strcmp(argv[1], "one") == 0, on = 1;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
    if (listen(listener, 1024)) fail("listen");
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    for (;;) {
        int heard = epoll_wait(epoll, ready, EVENTS, -1);
        for (int i = 0; i < heard; i++) {
            if (ready[i].data.fd == listener) welcome(listener, epoll);
            else serve(ready[i].data.fd, by_line);
        }
        if (gathered) say_to_all(everybody, gathered), gathered = 0;
    }
}
