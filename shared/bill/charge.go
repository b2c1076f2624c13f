package bill

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Category is what kind of charge a row of an invoice is, as FOCUS names it.
type Category string

// The categories of FOCUS.
const (
	UsageCharge Category = "Usage"
	Purchase    Category = "Purchase"
	Tax         Category = "Tax"
	Credit      Category = "Credit"
	Adjustment  Category = "Adjustment"
)

var categories = []Category{UsageCharge, Purchase, Tax, Credit, Adjustment}

// ChargeKey is what charges are summed by.
type ChargeKey struct {
	Service   string
	Category  Category
	Centre    string // cost centre, by tag; empty: untagged
	Component string // by tag
	Region    string // of Function
	Function  string // name of the Lambda function, if it is one's
}

// Invoice is what a month's export says.
type Invoice struct {
	Name     string // of the kind of export
	Month    string // YYYY-MM
	Currency string // of all rows
	Sums     map[ChargeKey]*big.Rat
	Lambda   map[string]*big.Rat // usage of Lambda by day
	Rows     int64
	Elsewhen int64  // rows of other months, which are left out
	Through  string // the last day of which there is a charge
	Read     Read
}

// An export's columns. Others may be there; these have to.
type columns struct {
	period, start, category, service, resource, tags, amount, currency string
	kind                                                               func(string) (Category, error)
}

// focus is FOCUS 1.0 to 1.2. BilledCost is what is invoiced: what was paid before,
// as for commitments, is not in it, and credits are rows of their own.
var focus = columns{"BillingPeriodStart", "ChargePeriodStart", "ChargeCategory", "ServiceName", "ResourceId", "Tags", "BilledCost", "BillingCurrency",
	func(s string) (Category, error) {
		if !slices.Contains(categories, Category(s)) {
			return "", fmt.Errorf("there is no category %.80q", s)
		}
		return Category(s), nil
	}}

// cur is CUR 2.0.
var cur = columns{"bill_billing_period_start_date", "line_item_usage_start_date", "line_item_line_item_type", "line_item_product_code",
	"line_item_resource_id", "resource_tags", "line_item_unblended_cost", "line_item_currency_code", curCategory}

func curCategory(s string) (Category, error) {
	switch s {
	case "Usage", "DiscountedUsage", "SavingsPlanCoveredUsage":
		return UsageCharge, nil
	case "Fee", "RIFee", "SavingsPlanUpfrontFee", "SavingsPlanRecurringFee":
		return Purchase, nil
	case "Tax", "Credit":
		return Category(s), nil
	case "Refund", "SavingsPlanNegation", "EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "RiVolumeDiscount", "SppDiscount", "Discount":
		return Adjustment, nil
	}
	return "", fmt.Errorf("there is no line item type %.80q", s)
}

// NewInvoice is a month's (YYYY-MM) invoice in FOCUS, NewCUR one in CUR 2.0.
func NewInvoice(month string) *Invoice { return newInvoice("FOCUS 1.2", month) }

// NewCUR is NewInvoice for CUR 2.0.
func NewCUR(month string) *Invoice { return newInvoice("CUR 2.0", month) }

func newInvoice(name, month string) *Invoice {
	return &Invoice{Name: name, Month: month, Sums: map[ChargeKey]*big.Rat{}, Lambda: map[string]*big.Rat{}}
}

func (v *Invoice) columns() columns {
	if v.Name == "CUR 2.0" {
		return cur
	}
	return focus
}

// maxRow is how long a row may be, maxKeys how many sums an invoice has.
const (
	maxRow  = 1 << 20
	maxKeys = 200_000
)

// File reads a file of the export, CSV that may be gzipped. What can't be read is
// counted; an error is of where the bytes come from.
func (v *Invoice) File(name string, r io.Reader) error {
	v.Read.Files++
	in, stop := unpacked(source{r})
	defer stop()
	limited := &budget{in, maxRow}
	rows := csv.NewReader(limited)
	rows.ReuseRecord, rows.FieldsPerRecord = true, -1
	head, err := rows.Read()
	if err != nil {
		return v.Read.broken(name, 1, err)
	}
	at, err := v.find(head)
	if err != nil {
		v.Read.fault(name, 1, err.Error())
		return nil
	}
	width := len(head)
	for n := int64(2); ; n++ {
		limited.left = maxRow
		row, err := rows.Read()
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, new(*csv.ParseError)):
			v.Rows++
			v.Read.fault(name, n, err.Error())
		case err != nil:
			return v.Read.broken(name, n, err)
		case len(row) != width:
			v.Rows++
			v.Read.fault(name, n, fmt.Sprintf("%d fields, not %d", len(row), width))
		default:
			v.Rows++
			if err := v.row(name, n, row, at); err != nil {
				v.Read.fault(name, n, printable(err.Error()))
			}
		}
	}
}

// place says where a row has what.
type place struct{ period, start, category, service, resource, tags, amount, currency int }

// find checks a header: each column once.
func (v *Invoice) find(head []string) (p place, err error) {
	c := v.columns()
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	for name, i := range map[string]*int{c.period: &p.period, c.start: &p.start, c.category: &p.category, c.service: &p.service,
		c.resource: &p.resource, c.tags: &p.tags, c.amount: &p.amount, c.currency: &p.currency} {
		*i = slices.Index(head, name)
		if *i < 0 {
			return p, fmt.Errorf("no column %s: this is no export in %s, and none of its rows were read", name, v.Name)
		}
		if slices.Contains(head[*i+1:], name) {
			return p, fmt.Errorf("two columns %s: none of its rows were read", name)
		}
	}
	return p, nil
}

func (v *Invoice) row(name string, n int64, row []string, at place) error {
	period, err := moment(row[at.period])
	if err != nil {
		return err
	}
	start, err := moment(row[at.start])
	if err != nil {
		return err
	}
	amount, err := ParseMoney(row[at.amount])
	if err != nil {
		return err
	}
	category, err := v.columns().kind(row[at.category])
	if err != nil {
		return err
	}
	currency := null(row[at.currency])
	if len(currency) != 3 || v.Currency != "" && currency != v.Currency {
		return fmt.Errorf("currency %.20q beside %q", currency, v.Currency)
	}
	if period.Format("2006-01") != v.Month {
		v.Elsewhen++
		return nil
	}
	tags, err := tagsOf(null(row[at.tags]))
	if err != nil {
		v.Read.fault(name, n, "tags that can't be read; the row counts as untagged")
	}
	v.Currency = strings.Clone(currency)
	k := ChargeKey{Service: null(row[at.service]), Category: category, Centre: tags["cost_centre"], Component: tags["component"]}
	lambda := isLambda(k.Service)
	if lambda {
		k.Region, k.Function = functionARN(null(row[at.resource]))
	}
	v.add(k, amount)
	day := start.Format(time.DateOnly)
	v.Through = max(v.Through, day)
	if lambda && category == UsageCharge {
		add(v.Lambda, day, amount)
	}
	return nil
}

func (v *Invoice) add(k ChargeKey, amount Money) {
	if _, ok := v.Sums[k]; !ok {
		k.Service, k.Centre, k.Component = strings.Clone(k.Service), strings.Clone(k.Centre), strings.Clone(k.Component)
		k.Region, k.Function = strings.Clone(k.Region), strings.Clone(k.Function)
		if len(v.Sums) >= maxKeys { // too many tags to be told apart
			k = ChargeKey{Service: k.Service, Category: k.Category}
		}
	}
	add(v.Sums, k, amount)
}

func add[K comparable](sums map[K]*big.Rat, k K, m Money) {
	if sums[k] == nil {
		sums[k] = new(big.Rat)
	}
	sums[k].Add(sums[k], m.r())
}

// Total is the sum of all rows of the month.
func (v *Invoice) Total() Money {
	sum := new(big.Rat)
	for _, s := range v.Sums {
		sum.Add(sum, s)
	}
	return Money{sum}
}

func isLambda(service string) bool { return service == "AWS Lambda" || service == "AWSLambda" }

// functionARN returns what arn:aws:lambda:REGION:ACCOUNT:function:NAME names.
func functionARN(arn string) (region, name string) {
	part := strings.Split(arn, ":")
	if len(part) < 7 || part[2] != "lambda" || part[5] != "function" {
		return "", ""
	}
	return part[3], part[6]
}

// null takes what some exports write for nothing.
func null(s string) string {
	if s == "NULL" {
		return ""
	}
	return s
}

var moments = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05.999 UTC", time.DateOnly}

// moment reads a time in one of the forms that exports have.
func moment(s string) (time.Time, error) {
	for _, form := range moments {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.80q is no time", s)
}

// tagsOf reads tags. AWS writes cost-centre as user:cost-centre or user_cost_centre,
// depending on where; all are cost_centre here.
func tagsOf(s string) (map[string]string, error) {
	if s == "" || s == "{}" {
		return nil, nil
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(s), &all); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for name, value := range all {
		if text, ok := value.(string); ok {
			tags[tagName(name)] = text
		}
	}
	return tags, nil
}

// tagName is a tag's name without prefix and in one spelling.
func tagName(s string) string {
	s = strings.NewReplacer("-", "_", ":", "_", "/", "_", " ", "_").Replace(strings.ToLower(s))
	s = strings.TrimPrefix(s, "resourcetags_")
	s = strings.TrimPrefix(s, "user_")
	switch s {
	case "cost_center", "costcentre", "costcenter":
		return "cost_centre"
	}
	return s
}
