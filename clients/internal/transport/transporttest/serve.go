// Package transporttest serves HTTP in memory to tests of the clients, so that
// they need no port and their time can be virtual.
package transporttest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Serve runs handler until the test ends and gives a transport that reaches it
// under any http:// address. Within testing/synctest it must be called inside
// the bubble.
func Serve(t testing.TB, handler http.Handler) *http.Transport {
	t.Helper()
	listener := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends by Close below
	}()
	transport := &http.Transport{DialContext: listener.dial, MaxIdleConnsPerHost: 4}
	t.Cleanup(func() {
		transport.CloseIdleConnections() // they would keep a bubble from ending
		_ = server.Close()
		<-ended
	})
	return transport
}

// pipes is a net.Listener whose connections are pipes.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return address{} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, errors.New("the server is closed")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "pipe" }
