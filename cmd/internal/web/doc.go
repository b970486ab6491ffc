// Package web shows how the daemon fares: /, a page for people; /metrics for
// Prometheus; /healthz and /readyz for supervisors.
//
// It promises never to write anything, never to show a secret or to label a
// metric by SKU, and to answer only requests that name it by an address or by
// the host it listens on, so that a foreign page in somebody's browser cannot
// read it through DNS rebinding. What it shows is what [Site.Observe] was told
// last; it reads neither the state file nor an API. Begin at [New].
package web
