package bill

import "time"

// Function is a Lambda function as its account lists it.
type Function struct {
	Name         string `json:"name"`
	Region       string `json:"region"`
	Architecture string `json:"architecture"` // arm64 or x86_64
	Centre       string `json:"cost_centre"`  // by tag; empty: untagged
}

// Bill is what a month has cost. Every amount in it is a decimal that comes out
// even, and what is a part of something sums to it.
type Bill struct {
	Month     string          `json:"month"` // YYYY-MM, in UTC
	AsOf      time.Time       `json:"as_of"` // the end of the last hour that is in it
	Complete  bool            `json:"complete"`
	Currency  string          `json:"currency"`
	Invoiced  bool            `json:"invoiced"` // an invoice's export was there
	Functions []FunctionRow   `json:"functions"`
	Total     FunctionRow     `json:"functions_total"`
	Centres   []CentreRow     `json:"cost_centres"`
	Whole     CentreRow       `json:"cost_centres_total"`
	Services  []ServiceRow    `json:"services,omitempty"`
	Invoice   ServiceRow      `json:"services_total"`
	Check     *Reconciliation `json:"reconciliation,omitempty"`
	Answers   []AnswerRow     `json:"answers"`
	Answered  AnswerRow       `json:"answers_total"`
	GPUFrom   string          `json:"gpu_from"` // invoice or estimate
	Users     []UserRow       `json:"users"`
	UsersWhy  string          `json:"users_note,omitempty"` // what the list is not certain of
	Days      []DayRow        `json:"days"`
	Anomalies []Anomaly       `json:"anomalies"`
	Rates     Rates           `json:"rates"`
	Sources   []Source        `json:"sources"`
	Pending   int             `json:"hours_pending"`        // whose lines or records haven't been read yet
	Elsewhen  int64           `json:"rows_of_other_months"` // of exports, left out
}

// FunctionRow is a function in a cost centre.
type FunctionRow struct {
	Function     string `json:"function"` // empty: what no line or row names a function for
	Region       string `json:"region,omitempty"`
	Centre       string `json:"cost_centre"` // empty: untagged
	Architecture string `json:"architecture"`
	Requests     int64  `json:"requests"`
	Inits        int64  `json:"initialisations"`
	GBSeconds    Money  `json:"gb_seconds"` // no money, but as exact
	Rate         Money  `json:"rate"`       // of a GB-second; of a sum 0
	Gross        Money  `json:"gross"`      // by the lines, at list prices
	Credits      Money  `json:"credits"`    // by the invoice, not above 0
	Net          Money  `json:"net"`        // gross and credits
	Invoiced     Money  `json:"invoiced"`   // usage by the invoice
	Forecast     Money  `json:"forecast"`   // of net at the month's end: gross carried on, credits as they are
	Budget       *Money `json:"budget,omitempty"`
	Variance     *Money `json:"variance,omitempty"` // budget less forecast: below 0 it will not do
	mbms         int64
}

// CentreRow is a cost centre: of all its services by the invoice or, before there is
// one, its functions and GPUs by the estimate.
type CentreRow struct {
	Centre   string `json:"cost_centre"` // empty: untagged
	Gross    Money  `json:"gross"`       // usage, purchases and tax
	Credits  Money  `json:"credits"`     // credits and adjustments
	Net      Money  `json:"net"`
	Forecast Money  `json:"forecast"`
	Budget   *Money `json:"budget,omitempty"`
	Variance *Money `json:"variance,omitempty"`
}

// ServiceRow is a service of the invoice.
type ServiceRow struct {
	Service     string `json:"service"`
	Usage       Money  `json:"usage"`
	Purchases   Money  `json:"purchases"`
	Credits     Money  `json:"credits"`
	Adjustments Money  `json:"adjustments"`
	Tax         Money  `json:"tax"`
	Net         Money  `json:"net"`
	Untagged    Money  `json:"untagged"` // of Net
}

// Reconciliation compares the estimate with the invoice, over days that both have in
// full.
type Reconciliation struct {
	From       string `json:"from"` // the first day
	Through    string `json:"through"`
	Estimate   Money  `json:"estimate"`
	Invoiced   Money  `json:"invoiced"`
	Difference Money  `json:"difference"`
	Percent    string `json:"percent"` // of what is invoiced; empty if that is 0
	Other      string `json:"other_export,omitempty"`
	OtherTotal *Money `json:"other_total,omitempty"`      // of the other export
	OtherDiff  *Money `json:"other_difference,omitempty"` // from this one's total
}

// AnswerRow is what answers of a plan by a model have cost.
type AnswerRow struct {
	Plan     string `json:"plan"`
	Model    string `json:"model"` // empty: the fleet's own choice
	Answers  `json:"used"`
	GPU      Money `json:"gpu"`
	Function Money `json:"functions"`
	Net      Money `json:"net"`
	Thousand Money `json:"per_thousand"` // dollars per thousand answers that were done
}

// UserRow is a user. The last row of a bill is all others.
type UserRow struct {
	User     string `json:"user"` // pseudonym; empty: all others
	Replies  int64  `json:"replies"`
	Tokens   int64  `json:"tokens"`
	EngineMS int64  `json:"engine_ms"`
	Net      Money  `json:"net"`
}

// DayRow is a day's gross cost by function.
type DayRow struct {
	Day   string           `json:"day"`
	Gross map[string]Money `json:"gross"`
	Sum   Money            `json:"sum"`
}

// Anomaly is a day of a function that stands out.
type Anomaly struct {
	Day      string `json:"day"`
	Function string `json:"function"`
	Cost     Money  `json:"cost"`
	Usual    Money  `json:"usual"` // median of the same weekdays before
	Weeks    int    `json:"weeks"` // that were compared
}

// Source is something that was read.
type Source struct {
	Name string `json:"name"`
	Read Read   `json:"read"`
	Rows int64  `json:"rows"`
}

// Material is what a bill is made of.
type Material struct {
	Month     string // YYYY-MM
	Now       time.Time
	Lines     *Partial // of the month, and of the weeks before it that Settings look back
	Turns     *Partial
	Functions []Function
	Invoice   *Invoice // nil: there is none
	Other     *Invoice // another export of the same, nil: there is none
	Settings  Settings
	Pending   int
}

// Faults is how many rows of all sources can't be read.
func (b *Bill) Faults() (n int64) {
	for _, s := range b.Sources {
		n += s.Read.Faults
	}
	return n
}
