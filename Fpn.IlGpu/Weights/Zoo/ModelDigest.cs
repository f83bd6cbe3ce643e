using System.Security.Cryptography;

namespace Fpn.IlGpu.Weights;

/// <summary>A hash function for checking published files.</summary>
public enum DigestAlgorithm
{
    /// <summary>SHA-256, used by torchvision.</summary>
    Sha256,

    /// <summary>MD5, used by Detectron2.</summary>
    Md5,
}

/// <summary>
/// The first digits of a published file's hash, which both torchvision and Detectron2 put into the file's name, or all of them. A few
/// reveal a damaged file, and HTTPS ensures that the file is the publisher's; the whole SHA-256 also reveals a mirror's forgery.
/// </summary>
public sealed record ModelDigest
{
    /// <summary>Creates a digest.</summary>
    /// <param name="algorithm">The hash function.</param>
    /// <param name="leadingDigits">Lower-case hexadecimal digits: at least one, at most as many as the hash has.</param>
    /// <exception cref="ArgumentException">The digits are not of that form.</exception>
    public ModelDigest(DigestAlgorithm algorithm, string leadingDigits)
    {
        ArgumentNullException.ThrowIfNull(leadingDigits);
        var most = algorithm == DigestAlgorithm.Sha256 ? 64 : 32;
        if (leadingDigits.Length < 1 || leadingDigits.Length > most || !leadingDigits.All(char.IsAsciiHexDigitLower))
            throw new ArgumentException($"A digest has 1 to {most} lower-case hexadecimal digits.", nameof(leadingDigits));
        Algorithm = algorithm;
        LeadingDigits = leadingDigits;
    }

    /// <summary>The hash function.</summary>
    public DigestAlgorithm Algorithm { get; }

    /// <summary>The first digits of the hash, in lower-case hexadecimal.</summary>
    public string LeadingDigits { get; }

    /// <summary>For instance "SHA-256 258fb6c6…".</summary>
    public override string ToString() => $"{NameOf(Algorithm)} {LeadingDigits}…";

    /// <summary>Hashes a stream from its current position; in lower-case hexadecimal digits.</summary>
    internal async Task<string> HashAsync(Stream stream, CancellationToken cancellation)
    {
        var hash = Algorithm == DigestAlgorithm.Sha256
            ? await SHA256.HashDataAsync(stream, cancellation).ConfigureAwait(false)
            : await HashMd5Async(stream, cancellation).ConfigureAwait(false);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Whether a hash, in lower-case hexadecimal digits, begins with these digits.</summary>
    internal bool Fits(string hash) => hash.StartsWith(LeadingDigits, StringComparison.Ordinal);

    /// <summary>The hash function's usual name.</summary>
    internal static string NameOf(DigestAlgorithm algorithm) => algorithm == DigestAlgorithm.Sha256 ? "SHA-256" : "MD5";

#pragma warning disable CA5351 // MD5 only detects damage here, not forgery, and is what the publisher provides.
    private static ValueTask<byte[]> HashMd5Async(Stream stream, CancellationToken cancellation)
        => MD5.HashDataAsync(stream, cancellation);
#pragma warning restore CA5351
}
