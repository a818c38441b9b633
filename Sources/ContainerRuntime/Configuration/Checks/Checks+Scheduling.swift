internal import OCISpec

/// `SCHED_DEADLINE`: the kernel answers EINVAL to all of these, and says no more.
extension Checks {
    /// The bounds of the kernel: `1 << DL_SCALE`, and the sign bit.
    private static let runtimes: ClosedRange<UInt64> = 1024...UInt64(Int64.max)

    func deadlineScheduling() {
        guard let scheduler = spec.process?.scheduler, scheduler.policy.value == .deadline else {
            return
        }
        func refuse(_ words: String) {
            diagnostics.error("sched_setattr: `SCHED_DEADLINE` \(words)", at: scheduler.offset)
        }
        guard let runtime = scheduler.runtime?.value else { return refuse("requires `runtime`") }
        guard let deadline = scheduler.deadline?.value else {
            return refuse("requires `deadline`")
        }
        if runtime == 0 { return refuse("runtime must be greater than 0") }
        guard Checks.runtimes.contains(runtime) else {
            let (least, most) = (Checks.runtimes.lowerBound, Checks.runtimes.upperBound)
            return refuse("runtime \(runtime) must be between \(least) and \(most) nanoseconds")
        }
        if runtime > deadline { refuse("runtime \(runtime) must be <= deadline \(deadline)") }
        // 0 is the deadline.
        if let period = scheduler.period?.value, period != 0, deadline > period {
            refuse("deadline \(deadline) must be <= period \(period)")
        }
    }
}
