package config

// Engine says what the decision engine may do, in every cluster.
type Engine struct {
	Mode     string   `yaml:"mode" default:"auto" enum:"auto,advise,freeze" doc:"auto switches policies by itself, advise only says what it would do, freeze leaves everything as it is"`
	Judge    string   `yaml:"judge" default:"model" enum:"model,rules" doc:"what decides: the learnt model that predicts every policy, or rules"`
	Evaluate Duration `yaml:"evaluate" default:"10s" doc:"between two judgements of a cluster; from 1s to 1h"`
	Dwell    Duration `yaml:"dwell" default:"60s" doc:"at most one switch of a cluster's policy in this time"`
	Margin   Share    `yaml:"margin" default:"8%" doc:"predicted gain below which a policy is not switched"`
	Undo     string   `yaml:"undo" default:"after_dwell" enum:"after_dwell,immediate" doc:"when a switch that made things worse may be taken back"`
}

// Choice is what the engine chooses from in one cluster.
type Choice struct {
	Candidates  []string `yaml:"candidates" doc:"policies that the engine may choose; when not written expected-delay, hot-cold, peak-ewma, least-request, p2c, round-robin, and with a hash_key bounded-hash"`
	FailureCost Duration `yaml:"failure_cost" default:"2s" doc:"what a failed request weighs, as if it had taken so long"`
	LoadField   string   `yaml:"load_field" doc:"field of an answer in which the endpoints say how many requests they have under way, whoever sent them; with it load from elsewhere is seen"`
}

// Rule is a condition of the operator's own, and the policy to use while it
// holds.
type Rule struct {
	When When   `yaml:"when" doc:"what must hold, all of it"`
	Use  string `yaml:"use" required:"name a policy, as in use: peak-ewma" doc:"policy to use then"`
}

// When are bounds of what is measured, as in ">5%", or "holds" for the bound
// of the condition itself, and how long they must have been crossed. The keys are the names of the conditions in the journal.
type When struct {
	ErrorRate     string   `yaml:"error_rate" doc:"share of failures in the cluster, as in >5%"`
	SlowEndpoint  string   `yaml:"slow_endpoint" doc:"service time of the slowest endpoint over the median, as in >2x"`
	Bursty        string   `yaml:"bursty" doc:"variance over mean of the arrivals in 100 ms, 1 for a Poisson stream, as in >5"`
	Heterogeneous string   `yaml:"heterogeneous" doc:"speed of the fastest endpoint over that of the slowest, capacity included, as in >1.5x"`
	Affinity      string   `yaml:"affinity" doc:"service time of a key that its endpoint has just seen over that of a new one, as in <0.8x"`
	HeavyTail     string   `yaml:"heavy_tail" doc:"standard deviation over mean of the service times, as in >2"`
	FarEndpoint   string   `yaml:"far_endpoint" doc:"latency of the farthest endpoint over that of the nearest at low load, as in >1.5x"`
	Overload      string   `yaml:"overload" doc:"share of the capacity in use, as in >97%"`
	HiddenLoad    string   `yaml:"hidden_load" doc:"requests under way at the endpoints over those that come from here, as in >1.5x"`
	NoData        string   `yaml:"no_data" doc:"finished requests in the window, as in <300"`
	For           Duration `yaml:"for" default:"0s" doc:"how long it must have held"`
}
