// Command reference is the reverse proxy that the standard library offers,
// tuned: what Poise is measured against, and how little code a proxy can be.
package main

import (
	"flag"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	admin := flag.String("admin", "127.0.0.1:0", "address of /metrics")
	endpoints := flag.String("endpoints", "", "host:port, separated by commas")
	flag.Parse()
	runtime.MemProfileRate = 0

	var targets []*url.URL
	for e := range strings.SplitSeq(*endpoints, ",") {
		targets = append(targets, &url.URL{Scheme: "http", Host: e})
	}
	var next atomic.Uint64
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[next.Add(1)%uint64(len(targets))])
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			MaxIdleConns: 1024, MaxIdleConnsPerHost: 256, IdleConnTimeout: 50 * time.Second, DisableCompression: true,
		},
		BufferPool: &buffers{sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}},
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	go func() { log.Fatal(http.ListenAndServe(*admin, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))) }()
	log.Fatal(http.ListenAndServe(*listen, proxy))
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
