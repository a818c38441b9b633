public import JSON
internal import LinuxSystem
internal import SystemPackage

/// The part that runs inside of a sandbox.
public enum Inside {
    /// Makes every attempt.
    ///
    /// - Parameter words: `NAME=VALUE`, the facts of the host.
    public static func run(_ words: [String]) -> JSONOutput {
        var facts: [String: String] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
        }
        return .object(
            TrialGroup.all.flatMap(\.trials).map { trial in
                let result = result(trial, facts)
                return (trial.key, .array([.string(result.word), .string(result.said)]))
            })
    }

    private static func result(_ trial: Trial, _ facts: [String: String]) -> TrialResult {
        let subject: String
        switch trial.subject {
        case .text(let text): subject = text
        case .host(let fact):
            guard let known = facts[fact.rawValue] else {
                return .untried("nothing outside of the sandbox is there to be reached")
            }
            subject = known
        }
        do throws(Errno) {
            return TrialResult(trial, try EscapeAttempt.make(trial.attempt, subject))
        } catch {
            return .untried(error.words)
        }
    }

    /// What `run` has printed; nil for anything else.
    static func results(_ output: [UInt8]) -> [String: TrialResult]? {
        guard let root = try? JSONDocument(output).root, root.kind == .object else { return nil }
        var found: [String: TrialResult] = [:]
        for (key, value) in root.members {
            let words = value.elements.map { $0.string ?? "" }
            if let key = key.string, words.count == 2, let result = TrialResult(words[0], words[1])
            {
                found[key] = result
            }
        }
        return found.isEmpty ? nil : found
    }
}
