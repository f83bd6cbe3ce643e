using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Experiments;

/// <summary>What a row of the paper's ablations changes; all else, data and budget among it, is the same for all rows.</summary>
/// <param name="Pyramid">
/// One of <see cref="PyramidKind"/>. What has one level gets the anchors of all sizes there and, so that NMS sees as many, the
/// proposals of all levels: the best thousand of one fine map are the same few objects over and over.
/// </param>
/// <param name="TopMap">The backbone's last map.</param>
/// <param name="BoxHead">What says what is in a region.</param>
public sealed record RowChange(string Pyramid, int TopMap = 5, BoxHeadKind BoxHead = BoxHeadKind.FullyConnected)
{
    private bool HasOneLevel => Pyramid is PyramidKind.SingleMap or PyramidKind.Finest;

    /// <summary>The configuration of the row.</summary>
    /// <param name="common">What all rows have in common: that of the pyramid as it is.</param>
    /// <param name="detector">One of <see cref="DetectorKind"/>.</param>
    /// <param name="proposals">The file of proposals for the training pictures; null for a detector that takes none.</param>
    /// <param name="seed">Of initial weights, order and sampling.</param>
    public TrainingConfiguration Apply(TrainingConfiguration common, string detector, string? proposals, long seed)
    {
        ArgumentNullException.ThrowIfNull(common);
        var model = common.Model is { } own ? JsonNode.Parse(own.GetRawText())!.AsObject() : [];
        model["detector"] = detector;
        model["pyramid"] = Pyramid;
        var rpn = common.Rpn;
        if (HasOneLevel)
        {
            var all = common.ModelConfiguration([]);
            var levels = all.AnchorSizes.Length;
            model["anchor_sizes"] = new JsonArray([new JsonArray([.. all.AnchorSizes.SelectMany(s => s).Select(s => (JsonNode)s)])]);
            model["rpn_pre_nms_top_n"] = levels * all.RpnPreNmsTopN;
            rpn = rpn with { PreNmsTopN = levels * rpn.PreNmsTopN };
        }
        return common with
        {
            Data = common.Data with { Proposals = proposals },
            Network = common.Network with { TopMap = TopMap, BoxHead = BoxHead },
            Rpn = rpn,
            Model = JsonSerializer.SerializeToElement(model),
            Seed = seed,
        };
    }
}
