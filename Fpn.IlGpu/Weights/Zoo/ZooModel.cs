using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>A published model that can be downloaded and run: where it lies, and what its publisher says of it.</summary>
public sealed record ZooModel
{
    /// <summary>An environment variable with a mirror's address: see <see cref="DownloadUrl()"/>.</summary>
    public const string MirrorVariable = "FPN_ZOO_URL";

    /// <summary>
    /// How it is called here: torchvision's name of the function that builds it; for Detectron2's models
    /// <c>detectron2_</c> and the name of the configuration file.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The publisher's file.</summary>
    public required Uri Url { get; init; }

    /// <summary>What the file's hash begins with.</summary>
    public required ModelDigest Digest { get; init; }

    /// <summary>Who trained and published it, for instance "torchvision".</summary>
    public required string Source { get; init; }

    /// <summary>
    /// The licence under which the source offers it, for instance "BSD-3-Clause". The pictures that it was trained on
    /// may bring terms of their own; torchvision says so of all its weights.
    /// </summary>
    public required string Licence { get; init; }

    /// <summary>What the conventions are that the file can't tell.</summary>
    public required ModelConfiguration Configuration { get; init; }

    /// <summary>On which pictures the publisher measured the figures below.</summary>
    public string MeasuredOn { get; init; } = "COCO val2017";

    /// <summary>Average precision of the boxes in percent, IoU 0.50 to 0.95; null for a model that proposes only.</summary>
    public double? BoxAp { get; init; }

    /// <summary>Average precision of the masks in percent, IoU 0.50 to 0.95; null for a model without masks.</summary>
    public double? MaskAp { get; init; }

    /// <summary>Average recall of 1000 proposals a picture in percent; null for a model that classifies, too.</summary>
    public double? ProposalAr { get; init; }

    /// <summary>How many numbers were trained; null where the publisher doesn't say.</summary>
    public long? Parameters { get; init; }

    /// <summary>The file's size in bytes, rounded by the publisher; null where it doesn't say.</summary>
    public long? ApproximateBytes { get; init; }

    /// <summary>
    /// Where it is downloaded from: <see cref="Url"/>, or the same path below the address that the environment
    /// variable <c>FPN_ZOO_URL</c> holds, for machines that reach a mirror only. The digest is checked all the same.
    /// </summary>
    /// <exception cref="WeightsException">The variable holds no address of the kind https://host/folder.</exception>
    public Uri DownloadUrl() => DownloadUrl(Environment.GetEnvironmentVariable(MirrorVariable));

    internal Uri DownloadUrl(string? mirror)
    {
        if (string.IsNullOrWhiteSpace(mirror))
            return Url;
        if (Uri.TryCreate(mirror, UriKind.Absolute, out var named) && named.UserInfo.Length > 0)
            throw new WeightsException($"{MirrorVariable} holds a user's name or password, which would show in messages; leave them out.");
        return Uri.TryCreate(mirror, UriKind.Absolute, out var address) && IsSafe(address) && address.Query.Length == 0
            ? new Uri(address.AbsoluteUri.TrimEnd('/') + Url.AbsolutePath)
            : throw new WeightsException(
                $"{MirrorVariable} is {WeightsException.Quote(mirror)}, "
                + "where the address of a mirror, such as https://host/folder, is needed.");
    }

    /// <summary>Nothing is fetched over plain HTTP, except from this machine itself.</summary>
    internal static bool IsSafe(Uri address)
        => address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);
}
