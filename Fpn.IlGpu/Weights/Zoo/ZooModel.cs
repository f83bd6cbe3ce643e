using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>A published detector, or a backbone to train one from, that can be downloaded: its address, and what its publisher states about it.</summary>
public sealed record ZooModel
{
    /// <summary>The environment variable with a mirror's address: see <see cref="DownloadUrl()"/>.</summary>
    public const string MirrorVariable = "FPN_ZOO_URL";

    /// <summary>
    /// The model's name here: the name of the torchvision function that builds it, with <c>_v2</c> for a backbone's second weights; for
    /// Detectron2's models <c>detectron2_</c> and the name of the configuration file.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The publisher's file.</summary>
    public required Uri Url { get; init; }

    /// <summary>The beginning of the file's hash.</summary>
    public required ModelDigest Digest { get; init; }

    /// <summary>Who trained and published it, for instance "torchvision".</summary>
    public required string Source { get; init; }

    /// <summary>
    /// The licence under which the source offers it, for instance "BSD-3-Clause". The training pictures may have terms of their
    /// own; torchvision says so of all its weights.
    /// </summary>
    public required string Licence { get; init; }

    /// <summary>The conventions that the file doesn't state.</summary>
    public required ModelConfiguration Configuration { get; init; }

    /// <summary>Whether it is a backbone alone, which can't detect: training starts from it.</summary>
    public bool IsBackbone { get; init; }

    /// <summary>The pictures on which the publisher measured the figures below.</summary>
    public string MeasuredOn { get; init; } = "COCO val2017";

    /// <summary>The share of pictures that a backbone with its classifier names rightly, in percent; null for a detector.</summary>
    public double? Top1 { get; init; }

    /// <summary>Average precision of the boxes in percent, IoU 0.50 to 0.95; null for a model that only proposes, and a backbone.</summary>
    public double? BoxAp { get; init; }

    /// <summary>Average precision of the masks in percent, IoU 0.50 to 0.95; null for a model without masks.</summary>
    public double? MaskAp { get; init; }

    /// <summary>Average recall of 1000 proposals per picture in percent; null for a model that also classifies.</summary>
    public double? ProposalAr { get; init; }

    /// <summary>The number of trained parameters; null if the publisher doesn't state it.</summary>
    public long? Parameters { get; init; }

    /// <summary>The file's size in bytes, rounded by the publisher; null if it doesn't state it.</summary>
    public long? ApproximateBytes { get; init; }

    /// <summary>
    /// The size that the published file can't exceed, in bytes: the stated size with room for its rounding, or a gigabyte, which is
    /// more than twice the largest model.
    /// </summary>
    internal long MostBytes => ApproximateBytes is { } bytes ? bytes + (bytes / 16) + (1 << 20) : 1L << 30;

    /// <summary>
    /// The address to download from: <see cref="Url"/>, or the same path below the address in the environment variable
    /// <c>FPN_ZOO_URL</c>, for machines that can only reach a mirror. The digest is checked in either case.
    /// </summary>
    /// <exception cref="WeightsException">The variable's value is not an address of the form https://host/folder.</exception>
    public Uri DownloadUrl() => DownloadUrl(Environment.GetEnvironmentVariable(MirrorVariable));

    internal Uri DownloadUrl(string? mirror)
    {
        if (string.IsNullOrWhiteSpace(mirror))
            return Url;
        if (Uri.TryCreate(mirror, UriKind.Absolute, out var named) && named.UserInfo.Length > 0)
            throw new WeightsException($"{MirrorVariable} contains a user name or password, which would appear in messages; leave it out.");
        return Uri.TryCreate(mirror, UriKind.Absolute, out var address) && IsSafe(address) && address.Query.Length == 0
            ? new Uri(address.AbsoluteUri.TrimEnd('/') + Url.AbsolutePath)
            : throw new WeightsException(
                $"{MirrorVariable} is {WeightsException.Quote(mirror)}; "
                + "it must be the address of a mirror, such as https://host/folder.");
    }

    /// <summary>Whether files may be fetched from an address: plain HTTP is allowed only on this machine itself.</summary>
    internal static bool IsSafe(Uri address)
        => address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);
}
