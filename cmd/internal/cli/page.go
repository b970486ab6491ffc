package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"stocksyncd/cmd/internal/web"
)

// statusPage serves the status page where the config of the day says.
type statusPage struct {
	ctx  context.Context // of the daemon
	site *web.Site
	log  *slog.Logger
	tell func(url string) // may be nil

	mu     sync.Mutex
	listen string
	server *http.Server
	done   chan struct{}
}

// move begins to serve at another address, "" for none. A port that is in use
// costs the page, not the daemon.
func (p *statusPage) move(listen string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if listen == p.listen && p.server != nil {
		return
	}
	p.stop(p.ctx)
	p.listen = listen
	if listen == "" {
		return
	}
	var config net.ListenConfig
	listener, err := config.Listen(p.ctx, "tcp", listen)
	if err != nil {
		p.log.Warn("no status page", "listen", listen, "err", err)
		return
	}
	url := "http://" + listener.Addr().String() + "/"
	p.log.Info("status page", "url", url)
	if address, ok := listener.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() {
		p.log.Warn("the status page asks for no password, and other machines can reach it", "listen", listen)
	}
	if p.tell != nil {
		p.tell(url)
	}
	server := &http.Server{
		Handler: p.site.Handler(listen), ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Warn("the status page closed", "err", err)
		}
	}()
	p.server, p.done = server, done
}

// stop is for a holder of the lock. It goes on when ctx has ended.
func (p *statusPage) stop(ctx context.Context) {
	if p.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close()
	}
	<-p.done
	p.server = nil
}

func (p *statusPage) close(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop(ctx)
}
