public import Cgroups
internal import LinuxSystem

/// Looks at the container's usage from time to time, and may end the container.
public struct UsageObserver {
    /// The observer's answer.
    public enum Verdict: Sendable, Hashable {
        case goOn
        /// The container is killed.
        case end
    }

    /// Nanoseconds between two looks.
    public let interval: UInt64
    let judge: (ControlGroup.Usage) -> Verdict
    private(set) var next: UInt64

    /// - Parameters:
    ///   - interval: Nanoseconds between two looks, more than none.
    ///   - judge: Gets the usage of the container's control group.
    public init(
        every interval: UInt64, _ judge: @escaping (ControlGroup.Usage) -> Verdict
    ) {
        self.interval = max(interval, 1_000_000)
        self.judge = judge
        next = Clock.nanoseconds + self.interval
    }

    /// Looks where it is time for it.
    mutating func look(at group: ControlGroup?, _ now: UInt64) -> Verdict {
        guard now >= next else { return .goOn }
        // From now on: what was missed is not made up for.
        next = now + interval
        return group.map { judge($0.usage) } ?? .goOn
    }
}
