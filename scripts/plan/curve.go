package main

import "math"

// hours is a value for each hour of a day, in UTC.
type hours [24]float64

func (h hours) mean() float64 {
	sum := 0.0
	for _, v := range h {
		sum += v
	}
	return sum / 24
}

// busiest is the hour of the largest value, and that.
func (h hours) busiest() (hour int, value float64) {
	for i, v := range h {
		if v > h[hour] {
			hour = i
		}
	}
	return hour, h[hour]
}

func (h hours) plus(o hours, times float64) hours {
	for i := range h {
		h[i] += times * o[i]
	}
	return h
}

func (h hours) times(o hours) hours {
	for i := range h {
		h[i] *= o[i]
	}
	return h
}

// local is a place's curve without a surge: the mean of each hour, 1 on average.
func (c Curve) local(utc float64) (h hours) {
	for hour := range h {
		from := 2 * math.Pi * (float64(hour) + utc - c.BusiestHour) / 24
		until := from + 2*math.Pi/24
		h[hour] = 1 + c.Amplitude*(math.Sin(until)-math.Sin(from))/(until-from)
	}
	return h
}

// surge is 1 at an hour, falls as a cosine to both sides and is 0 half the surge's
// length away.
func (c Curve) surge(top int) (h hours) {
	for hour := range h {
		away := math.Abs(math.Remainder(float64(hour-top), 24))
		if away < c.SurgeHours/2 {
			h[hour] = (1 + math.Cos(2*math.Pi*away/c.SurgeHours)) / 2
		}
	}
	return h
}

// curves is the part of the average rate of the whole that comes from each place in
// each hour. In sum over places it is 1 on average, and ratio in the busiest hour.
//
// A sum of time zones is flatter than any of them. What is missing to the peak is the
// surge; if the sum is steeper than the peak, all places are flattened.
func (l Load) curves(ratio float64) []hours {
	plain, sum := l.plain()
	top, height := sum.busiest()
	lift := hours{}
	var times, flat float64 = 1, 1
	if ratio < height {
		flat = (ratio - 1) / (height - 1)
	} else {
		// times × height × (1 + s) = ratio, and times × (1 + s × mean) = 1
		bump := l.Curve.surge(top)
		mean := sum.times(bump).mean()
		s := (ratio - height) / (height - ratio*mean)
		times = 1 / (1 + s*mean)
		lift = lift.plus(bump, s)
	}
	for i, p := range l.Places {
		for hour := range plain[i] {
			plain[i][hour] = p.Share * times * (1 + flat*(plain[i][hour]-1)) * (1 + lift[hour])
		}
	}
	return plain
}

// plain is the curve of each place without a surge, and that of all together.
func (l Load) plain() (each []hours, sum hours) {
	for _, p := range l.Places {
		h := l.Curve.local(p.UTC)
		each, sum = append(each, h), sum.plus(h, p.Share)
	}
	return each, sum
}

// steepest is the bound of the ratios that a surge can make.
func (l Load) steepest() float64 {
	_, sum := l.plain()
	top, height := sum.busiest()
	return height / sum.times(l.Curve.surge(top)).mean()
}

// curvesOf is what of an operation comes from each place, a second.
func (l Load) curvesOf(r Rate) []hours {
	all := make([]hours, len(l.Places))
	if r.Average == 0 {
		return all
	}
	for i, h := range l.curves(r.Peak / r.Average) {
		all[i] = all[i].plus(h, r.Average)
	}
	return all
}

// byRegion is what of an operation comes to each region in each hour, a second, where
// each place goes to is told by to.
func (l Load) byRegion(r Rate, to func(Place) int) []hours {
	all := make([]hours, len(l.Regions))
	for i, h := range l.curvesOf(r) {
		if at := to(l.Places[i]); at >= 0 {
			all[at] = all[at].plus(h, 1)
		}
	}
	return all
}
