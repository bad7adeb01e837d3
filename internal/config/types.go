// Package config reads what the operator wrote: strict YAML in, an immutable
// Config with every default filled in out, and every mistake at once with its
// place.
//
// The struct tags below are the only definition of the format. From them come
// decoding, defaults, the resolved document and the JSON Schema:
//
//	yaml     the key
//	default  its value when it is not written
//	doc      one line for the schema
//	enum     the values that are allowed
//	required what to do when it is not written
//	short    the key that a single value stands for
//	later    what the key belongs to; it is not built yet
//	secret   the value is never shown
package config

import "time"

// Config is a document that was understood. Sections that are pointers are
// off when nil.
type Config struct {
	Node         Node       `yaml:"node" doc:"what this process is called"`
	State        State      `yaml:"state" doc:"where pins, modes, endpoint states and the journal of decisions are kept"`
	Listeners    []Listener `yaml:"listeners" required:"add one, as in listeners: [{address: \":8080\"}]" doc:"addresses that clients connect to"`
	Routes       []Route    `yaml:"routes" doc:"the first that fits a request is taken; may be left out with one cluster"`
	Clusters     []Cluster  `yaml:"clusters" required:"add one, as in clusters: [{name: web, endpoints: [127.0.0.1:9001]}]" doc:"named sets of equal endpoints"`
	Engine       Engine     `yaml:"engine" doc:"what the decision engine may do"`
	Rules        []Rule     `yaml:"rules" doc:"conditions of your own and what to do then: what judge: rules goes by, else only named in the journal"`
	Admin        Admin      `yaml:"admin" doc:"the operator's API"`
	Telemetry    Telemetry  `yaml:"telemetry" doc:"what is shown to the outside"`
	Coordination Later      `yaml:"coordination" later:"coordination of several balancers"`

	hidden map[string]bool // paths whose value came from a file and is not shown
}

// Later is a key that is recognised and not built yet.
type Later struct{}

// Duration is a length of time, as in 250ms.
type Duration time.Duration

// Size is a number of bytes, as in 64KiB.
type Size int64

// Share is a part of a whole, as in 20% or 0.2.
type Share float64

// Node names this process.
type Node struct {
	Name string `yaml:"name" default:"poise" doc:"name of this process in logs and metrics"`
	Zone string `yaml:"zone" doc:"zone this process is in"`
}

// State says where to keep what outlives a restart.
type State struct {
	Dir string `yaml:"dir" doc:"directory; without it everything is in memory only"`
}

// Listener is an address that clients connect to.
type Listener struct {
	Address        string         `yaml:"address" required:"write :port, or host:port" doc:"host:port, or :port for all addresses"`
	Protocols      []string       `yaml:"protocols" default:"http1" enum:"http1" doc:"protocols that are spoken"`
	TLS            Later          `yaml:"tls" later:"TLS"`
	TrustedProxies []string       `yaml:"trusted_proxies" doc:"networks whose X-Forwarded-* are believed"`
	ProxyProtocol  Later          `yaml:"proxy_protocol" later:"the PROXY protocol"`
	HalfClose      string         `yaml:"half_close" default:"cancel" enum:"cancel,serve" doc:"what a client that closed its sending side gets"`
	Via            OnOff          `yaml:"via" default:"on" doc:"whether requests get a Via field"`
	Limits         ListenerLimits `yaml:"limits" doc:"what one client may use"`
}

// OnOff is on or off.
type OnOff bool

// ListenerLimits bound what a client may use.
type ListenerLimits struct {
	RequestLine   Size     `yaml:"request_line" default:"8KiB" doc:"longest request line"`
	HeaderBytes   Size     `yaml:"header_bytes" default:"64KiB" doc:"longest header section"`
	Fields        int      `yaml:"fields" default:"100" doc:"most header fields"`
	HeaderTimeout Duration `yaml:"header_timeout" default:"10s" doc:"from the first byte of a head to its last"`
	BodyBetween   Duration `yaml:"body_between" default:"30s" doc:"longest wait for more of a body, or for the client to take more of an answer"`
	BodyBytes     Size     `yaml:"body_bytes" default:"0" doc:"longest body; 0 means no limit"`
	Keepalive     Duration `yaml:"keepalive" default:"75s" doc:"longest wait for the next request"`
	Connections   int      `yaml:"connections" default:"50000" doc:"most connections at once"`
}

// Route says where requests go.
type Route struct {
	Name            string    `yaml:"name" doc:"name in logs and metrics; made from the match when not given"`
	Match           Match     `yaml:"match" doc:"which requests; what is not given fits all"`
	Cluster         string    `yaml:"cluster" doc:"short for to with one cluster"`
	To              []Target  `yaml:"to" doc:"clusters and their shares"`
	StripPrefix     string    `yaml:"strip_prefix" doc:"cut off the path before it is sent on"`
	RequestHeaders  Headers   `yaml:"request_headers" doc:"changes to the request"`
	ResponseHeaders Headers   `yaml:"response_headers" doc:"changes to the answer"`
	Host            string    `yaml:"host" default:"preserve" doc:"Host that the endpoint is asked for: preserve, endpoint or a name"`
	Timeout         Duration  `yaml:"timeout" default:"0s" doc:"to the answer's head; 0 means the cluster's"`
	Rate            *Rate     `yaml:"rate" doc:"how often each key may come; what is too much is answered 429"`
	Priority        string    `yaml:"priority" default:"normal" enum:"low,normal,high" doc:"whose requests wait first and are shed last when there is a queue"`
	Redirect        *Redirect `yaml:"redirect" doc:"answer with another place"`
}

// Rate says how often each key may come.
type Rate struct {
	Key       string  `yaml:"key" default:"ip" doc:"what is limited: ip, path, header:NAME, cookie:NAME or query:NAME; requests without it share one limit"`
	PerSecond float64 `yaml:"per_second" required:"say how many a second, as in per_second: 50" doc:"requests a second of one key, in the long run; up to 100000"`
	Burst     int     `yaml:"burst" default:"0" doc:"requests that may come at once; 0 means those of one second, at least 1"`
	Keys      int     `yaml:"keys" default:"65536" doc:"how many keys are told apart at a time, 8 bytes each"`
}

// Match says which requests a route is for.
type Match struct {
	Host   string            `yaml:"host" doc:"exact, or *.example.com for names below it"`
	Path   Path              `yaml:"path" doc:"a prefix by element, or {exact: } or {regex: }"`
	Method []string          `yaml:"method" doc:"methods"`
	Header map[string]string `yaml:"header" doc:"fields that must have these values"`
	Query  map[string]string `yaml:"query" doc:"parameters that must have these values"`
}

// Path is what a path is compared with.
type Path struct {
	Prefix string `yaml:"prefix" short:"true" doc:"by element: /v1 fits /v1 and /v1/x, not /v10"`
	Exact  string `yaml:"exact" doc:"the whole path"`
	Regex  string `yaml:"regex" doc:"a regular expression (RE2) for the whole path"`
}

// Target is a cluster and its share.
type Target struct {
	Cluster string `yaml:"cluster" required:"name a cluster" doc:"name of a cluster"`
	Weight  int    `yaml:"weight" default:"1" doc:"share of the requests, relative to the other targets"`
}

// Headers are changes to header fields.
type Headers struct {
	Set    map[string]string `yaml:"set" doc:"replace, or add where there is none"`
	Add    map[string]string `yaml:"add" doc:"add, beside what is there"`
	Remove []string          `yaml:"remove" doc:"take away"`
}

// Redirect is an answer with another place.
type Redirect struct {
	Scheme string `yaml:"scheme" enum:"http,https" doc:"new scheme"`
	Host   string `yaml:"host" doc:"new host"`
	Path   string `yaml:"path" doc:"new path; the query is kept"`
	Status int    `yaml:"status" default:"308" enum:"301,302,303,307,308" doc:"status of the answer"`
}

// Cluster is a named set of equal endpoints.
type Cluster struct {
	Name        string      `yaml:"name" required:"give the cluster a name" doc:"name of the cluster"`
	Endpoints   []Endpoint  `yaml:"endpoints" required:"add at least one host:port" doc:"addresses that requests are sent to"`
	Discovery   Later       `yaml:"discovery" later:"discovery"`
	Protocol    string      `yaml:"protocol" default:"http1" enum:"http1" doc:"protocol towards the endpoints"`
	TLS         Later       `yaml:"tls" later:"TLS"`
	Policy      string      `yaml:"policy" default:"adaptive" doc:"how an endpoint is chosen"`
	Engine      Choice      `yaml:"engine" doc:"what the decision engine chooses from"`
	HashKey     string      `yaml:"hash_key" doc:"what the hash policies hash: ip, path, header:NAME, cookie:NAME or query:NAME"`
	Sticky      *Sticky     `yaml:"sticky" doc:"keep a client at its endpoint with a cookie"`
	Health      *Health     `yaml:"health" doc:"active health checks; {} is a TCP connect"`
	Outliers    Outliers    `yaml:"outliers" doc:"endpoints that fail, lag or hang are left out for a while"`
	Retry       Retry       `yaml:"retry" doc:"when a failed attempt is followed by another"`
	Hedge       *Hedge      `yaml:"hedge" doc:"a second attempt while the first has no answer; off unless written"`
	Limits      Limits      `yaml:"limits" doc:"what an endpoint takes at a time, and who waits"`
	SlowStart   Duration    `yaml:"slow_start" default:"10s" doc:"in which a new or recovered endpoint comes to its whole share; 0 means at once"`
	Panic       Share       `yaml:"panic" default:"50%" doc:"share of endpoints that are neither unhealthy nor ejected below which both are ignored; 0 means never"`
	Timeouts    Timeouts    `yaml:"timeouts" doc:"longest waits for an endpoint"`
	Connections Connections `yaml:"connections" doc:"connections to an endpoint"`
}

// Endpoint is an address that requests are sent to.
type Endpoint struct {
	Address  string `yaml:"address" short:"true" required:"write host:port" doc:"host:port"`
	Weight   int    `yaml:"weight" default:"1" doc:"share, relative to the other endpoints; at least 1"`
	Zone     string `yaml:"zone" doc:"zone the endpoint is in"`
	Priority int    `yaml:"priority" default:"0" doc:"0 is used first, 1 when all of 0 are out"`
}

// Sticky keeps a client at its endpoint.
type Sticky struct {
	Cookie string   `yaml:"cookie" default:"poise" doc:"name of the cookie"`
	TTL    Duration `yaml:"ttl" default:"0s" doc:"how long the cookie lasts; 0 means as long as the browser is open"`
}

// Health are active checks.
type Health struct {
	Path     string   `yaml:"path" doc:"HTTP GET on this path"`
	GRPC     string   `yaml:"grpc" doc:"grpc.health.v1 check of this service; \"*\" for the server"`
	TCP      bool     `yaml:"tcp" default:"false" doc:"connect only, which is also what no path and no grpc means"`
	Interval Duration `yaml:"interval" default:"2s" doc:"between two checks"`
	Timeout  Duration `yaml:"timeout" default:"1s" doc:"of one check"`
	Rise     int      `yaml:"rise" default:"2" doc:"successes that make an endpoint healthy"`
	Fall     int      `yaml:"fall" default:"3" doc:"failures that make it unhealthy"`
	Initial  int      `yaml:"initial" default:"1" doc:"checks that decide about a new endpoint"`
	Expect   string   `yaml:"expect" default:"200-299" doc:"statuses that are healthy, as in 200-299,304"`
	Jitter   Share    `yaml:"jitter" default:"10%" doc:"by how much the interval varies"`
}

// Outliers say how endpoints are ejected.
type Outliers struct {
	MaxEjected Share    `yaml:"max_ejected" default:"50%" doc:"share of the endpoints that may be out at a time, rounded down but at least one of several; 0 ejects nobody"`
	Base       Duration `yaml:"base" default:"5s" doc:"of the first ejection; each that follows lasts twice as long"`
	Max        Duration `yaml:"max" default:"60s" doc:"longest ejection"`
}

// Hedge says when a second attempt begins.
type Hedge struct {
	After  string `yaml:"after" default:"p95" doc:"a quantile of the cluster's latency, as in p95, or a time, as in 50ms"`
	Budget Share  `yaml:"budget" default:"5%" doc:"share of the requests that may be hedged; each counts in retry.budget too"`
}

// Limits bound what a cluster takes at a time.
type Limits struct {
	Concurrency  string   `yaml:"concurrency" default:"observe" doc:"attempts under way at an endpoint: off, observe (learnt and shown), enforce, or a number"`
	Queue        int      `yaml:"queue" default:"0" doc:"requests that wait while every endpoint is at its limit; 0 means that none does"`
	QueueTimeout Duration `yaml:"queue_timeout" default:"1s" doc:"longest wait"`
}

// Retry says when a failed attempt is followed by another.
type Retry struct {
	MaxRetries    int      `yaml:"max_retries" default:"1" doc:"of one request"`
	Budget        Share    `yaml:"budget" default:"20%" doc:"share of the requests that may be attempts beyond the first, retries and hedges together; beside it ten a second; 0 means none at all"`
	PerTryTimeout Duration `yaml:"per_try_timeout" default:"0s" doc:"to the answer's head, of an attempt that a retry may follow; 0 means none of its own"`
	On            []string `yaml:"on" default:"connect,reset,502,503,504" enum:"connect,reset,500,502,503,504" doc:"what is retried, of requests that may be sent twice"`
}

// Timeouts are the longest waits for an endpoint; 0 means no bound.
type Timeouts struct {
	Connect    Duration `yaml:"connect" default:"1s" doc:"to make a connection"`
	Head       Duration `yaml:"head" default:"30s" doc:"from the last byte of the request to the answer's head"`
	Between    Duration `yaml:"between" default:"60s" doc:"between two pieces of an answer"`
	Total      Duration `yaml:"total" default:"0s" doc:"of all attempts together"`
	TunnelIdle Duration `yaml:"tunnel_idle" default:"1h" doc:"of a tunnel that carries nothing"`
	Keepalive  Duration `yaml:"keepalive" default:"50s" doc:"of a connection that waits for its next request"`
}

// Connections bound the connections to one endpoint.
type Connections struct {
	Idle     int      `yaml:"idle" default:"256" doc:"most that wait"`
	Lifetime Duration `yaml:"lifetime" default:"1h" doc:"age after which one is not used again"`
}

// Admin is the operator's API.
type Admin struct {
	Address string   `yaml:"address" default:"127.0.0.1:9900" doc:"host:port; beyond loopback only with a token"`
	Socket  string   `yaml:"socket" doc:"path of a Unix socket, mode 0600"`
	Probes  string   `yaml:"probes" doc:"host:port that serves healthz, readyz and metrics only"`
	Token   string   `yaml:"token" secret:"true" doc:"bearer token that calls must send"`
	Names   []string `yaml:"names" doc:"host names besides the loopback ones that callers may use"`
}

// Telemetry is what is shown to the outside.
type Telemetry struct {
	AccessLog  *AccessLog `yaml:"access_log" doc:"a line for every request"`
	Prometheus Prometheus `yaml:"prometheus" doc:"metrics on the admin address"`
	OTLP       Later      `yaml:"otlp" later:"OpenTelemetry"`
	Datadog    Later      `yaml:"datadog" later:"Datadog"`
	Evidence   Later      `yaml:"evidence" later:"outside evidence"`
}

// AccessLog is a line for every request.
type AccessLog struct {
	Path   string `yaml:"path" default:"stdout" doc:"stdout, stderr or a file"`
	Format string `yaml:"format" default:"json" enum:"json,combined,logfmt" doc:"form of a line"`
}

// Prometheus are the metrics.
type Prometheus struct {
	EndpointSeries int `yaml:"endpoint_series" default:"1000" doc:"most endpoints of a cluster with series of their own"`
}
