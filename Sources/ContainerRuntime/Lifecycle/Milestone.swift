/// How far the runtime process goes with a container.
public enum Milestone: Sendable, Hashable {
    /// Until the init process waits for its start: `create`.
    case created
    /// Until the program runs: `run --detach`, `exec --detach`.
    case started
    /// To the container's end. Signals and the terminal's bytes are passed on.
    case ended
}
