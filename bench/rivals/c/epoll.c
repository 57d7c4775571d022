/* What the kernel allows: one thread, epoll, one read and one write for all that has come. Echoes frames with a 2-byte
 * length. `epoll PORT` echoes; `epoll PORT broadcast` sends each frame to everybody, an empty one back to its sender. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER 2
#define READ (64 * 1024)
#define FRAME (HEADER + 65535)

struct connection {
  int fd;
  size_t have; /* bytes of a frame that is not whole yet, in `held` */
  uint8_t *held;
  size_t size, sent; /* answers that the system did not take, in `unsent` */
  uint8_t *unsent;
  struct connection *next, *before;
};

static int ep, broadcasting;
static struct connection all = {.next = &all, .before = &all};
static uint8_t in[READ], out[FRAME + READ];

static void must(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static void hang_up(struct connection *c) {
  close(c->fd);
  c->before->next = c->next, c->next->before = c->before;
  free(c->held), free(c->unsent), free(c);
}

static void watch(struct connection *c, int operation, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = c};
  epoll_ctl(ep, operation, c->fd, &e);
}

/* Writes; what is not taken is kept, and nothing more is read until it is. */
static void write_or_keep(struct connection *c, const uint8_t *bytes, size_t length) {
  ssize_t n = c->size ? 0 : send(c->fd, bytes, length, MSG_NOSIGNAL);
  if (n < 0) n = 0; /* an error is told by the next read */
  if ((size_t)n == length) return;
  size_t rest = length - (size_t)n;
  c->unsent = realloc(c->unsent, c->size + rest);
  memcpy(c->unsent + c->size, bytes + n, rest);
  if (!c->size) watch(c, EPOLL_CTL_MOD, EPOLLOUT);
  c->size += rest;
}

static void write_on(struct connection *c) {
  ssize_t n = send(c->fd, c->unsent + c->sent, c->size - c->sent, MSG_NOSIGNAL);
  if (n > 0) c->sent += (size_t)n;
  if (n < 0 && errno != EAGAIN) return hang_up(c);
  if (c->sent < c->size) return;
  free(c->unsent);
  c->unsent = NULL, c->size = c->sent = 0;
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static size_t size_of(const uint8_t *frame) { return HEADER + ((size_t)frame[0] << 8 | frame[1]); }

/* What an application answers to a frame: here the frame itself. Returns where the answer ends. */
static size_t answer(struct connection *c, const uint8_t *frame, size_t size, size_t at) {
  if (broadcasting && size > HEADER) {
    for (struct connection *to = all.next; to != &all; to = to->next) write_or_keep(to, frame, size);
    return at;
  }
  (void)c;
  memcpy(out + at, frame, size);
  return at + size;
}

/* Takes from the read what the held frame lacks. Returns how much. */
static size_t hold(struct connection *c, const uint8_t *bytes, size_t length) {
  size_t taken = 0;
  if (!c->held) c->held = malloc(HEADER);
  while (taken < length && c->have < HEADER) c->held[c->have++] = bytes[taken++];
  if (c->have < HEADER) return taken;
  size_t size = size_of(c->held), n = size - c->have < length - taken ? size - c->have : length - taken;
  c->held = realloc(c->held, size);
  memcpy(c->held + c->have, bytes + taken, n);
  c->have += n;
  return taken + n;
}

static void read_some(struct connection *c) {
  ssize_t n = recv(c->fd, in, READ, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return hang_up(c);
  size_t length = (size_t)n, at = 0, end = 0;
  if (c->have) {
    at = hold(c, in, length);
    if (c->have < HEADER || c->have < size_of(c->held)) return;
    end = answer(c, c->held, size_of(c->held), 0);
    c->have = 0;
    free(c->held);
    c->held = NULL;
  }
  while (length - at >= HEADER) {
    size_t size = size_of(in + at);
    if (length - at < size) break;
    end = answer(c, in + at, size, end);
    at += size;
  }
  if (at < length) hold(c, in + at, length - at);
  if (end) write_or_keep(c, out, end);
}

static void accept_all(int server) {
  for (int fd, one = 1; (fd = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
    struct connection *c = calloc(1, sizeof *c);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->fd = fd, c->next = all.next, c->before = &all;
    all.next->before = c, all.next = c;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(int argc, char **argv) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argc > 1 ? argv[argc - 1] : "0"))};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  broadcasting = argc > 2 && !strcmp(argv[1], "broadcast");
  int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  must(bind(server, (void *)&a, sizeof a), "bind");
  must(listen(server, 511), "listen");
  must(ep = epoll_create1(0), "epoll");
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(ep, EPOLL_CTL_ADD, server, &e);
  puts("listening");
  fflush(stdout);
  for (;;) {
    int n = epoll_wait(ep, events, 256, -1);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c) accept_all(server);
      else if (c->size) write_on(c);
      else read_some(c);
    }
  }
}
