internal import LinuxSystem

/// The time that the looks of an observed start take. Both processes stand still meanwhile, so it can be
/// taken out of the line of time.
struct LookTimes {
    /// In the order of time: from where on, and how much is left out from there.
    private var looks: [(start: UInt64, end: UInt64)] = []

    init(_ plan: Plan, _ times: SharedTimes) {
        let steps = plan.allSteps
        for (place, planned) in steps.enumerated() where planned.step is Observe {
            guard var span = times.span(place) else { continue }
            // Between two steps of one process the turn itself belongs to the look.
            if place > 0, place + 1 < steps.count, steps[place - 1].side == steps[place + 1].side,
                steps[place - 1].spawning == nil, let before = times.span(place - 1),
                let after = times.span(place + 1), before.end <= span.start,
                after.start >= span.end
            {
                span = (before.end, after.start)
            }
            looks.append(span)
        }
        looks.sort { $0.start < $1.start }
    }

    /// A point in time without the looks before it.
    func shift(_ time: UInt64) -> UInt64 {
        var left: UInt64 = 0
        for look in looks {
            if look.start >= time { break }
            left += min(look.end, time) - look.start
        }
        return time - left
    }
}
