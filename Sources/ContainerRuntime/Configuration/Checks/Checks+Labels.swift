internal import OCISpec

/// What must hold of AppArmor profiles and SELinux contexts.
extension Checks {
    static func labels(_ spec: Spec, _ diagnostics: Diagnostics) {
        if let profile = spec.process?.apparmorProfile {
            refuseControl(profile, diagnostics)
            // The kernel reads `exec NAME`.
            if profile.value.hasPrefix(" ") || profile.value.hasSuffix(" ") {
                diagnostics.error(
                    "\"\(profile.value)\" starts or ends with a space; name a profile",
                    at: profile.offset)
            }
        }
        for label in [spec.process?.selinuxLabel, spec.linux?.mountLabel].compactMap({ $0 }) {
            refuseControl(label, diagnostics)
            if label.value.contains("\"") {
                diagnostics.error(
                    "has a quotation mark in it; write user:role:type:level", at: label.offset)
            }
        }
        if let label = spec.linux?.mountLabel, label.value.utf8.count > 255 {
            diagnostics.error(
                "is \(label.value.utf8.count) bytes long; a mount option takes 255",
                at: label.offset)
        }
    }

    private static func refuseControl(_ text: Located<String>, _ diagnostics: Diagnostics) {
        if text.value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            diagnostics.error("has a control character in it; remove it", at: text.offset)
        }
    }
}
