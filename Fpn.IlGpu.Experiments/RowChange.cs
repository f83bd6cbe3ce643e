using System.Text.Json;
using System.Text.Json.Nodes;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Experiments;

/// <summary>The change that makes a row of the paper's ablations; everything else, including data and budget, is the same.</summary>
/// <param name="Pyramid">
/// One of <see cref="PyramidKind"/>. A kind with a single level has the anchors of all sizes on that level. It also keeps as many
/// proposals before NMS as all levels together: the best thousand of one fine map repeat the same few objects over and over.
/// </param>
/// <param name="TopMap">The backbone's last map.</param>
/// <param name="BoxHead">The kind of head that classifies regions.</param>
public sealed record RowChange(string Pyramid, int TopMap = 5, BoxHeadKind BoxHead = BoxHeadKind.FullyConnected)
{
    /// <summary>For mask proposals: the sides of the windows, in cells; null for the common ones.</summary>
    public int[]? Windows { get; init; }

    /// <summary>For mask proposals: the side of a mask, in cells; null for the common one.</summary>
    public int? MaskSide { get; init; }

    /// <summary>How many times the common number of steps it is trained for.</summary>
    public int Budget { get; init; } = 1;

    /// <summary>How the halves of the detector are trained.</summary>
    public RowTraining Training { get; init; }

    private bool HasOneLevel => Pyramid is PyramidKind.SingleMap or PyramidKind.Finest;

    /// <summary>Returns the configuration of the row.</summary>
    /// <param name="common">The configuration that all rows are derived from: that of the complete pyramid.</param>
    /// <param name="detector">One of <see cref="DetectorKind"/>.</param>
    /// <param name="proposals">The file of proposals for the training pictures; null for a detector that finds them itself.</param>
    /// <param name="seed">The seed of the initial weights, the order of the pictures, and sampling.</param>
    public TrainingConfiguration Apply(TrainingConfiguration common, string detector, string? proposals, long seed)
    {
        ArgumentNullException.ThrowIfNull(common);
        var model = common.Model is { } own ? JsonObject.Create(own)! : [];
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
            Network = common.Network with
            {
                TopMap = TopMap,
                BoxHead = BoxHead,
                Windows = Windows ?? common.Network.Windows,
                MaskSide = MaskSide ?? common.Network.MaskSide,
            },
            Schedule = common.Schedule with
            {
                Steps = common.Schedule.Epochs is null ? Budget * (common.Schedule.Steps ?? TrainingSchedule.DefaultSteps) : null,
                Epochs = Budget * common.Schedule.Epochs,
                DecaySteps = [.. common.Schedule.DecaySteps.Select(step => Budget * step)],
                DecayEpochs = [.. common.Schedule.DecayEpochs.Select(epoch => Budget * epoch)],
            },
            Rpn = rpn,
            Model = JsonSerializer.SerializeToElement(model),
            Seed = seed,
        };
    }
}

/// <summary>How a detector's RPN and Fast R-CNN are trained.</summary>
public enum RowTraining
{
    /// <summary>As the table's detector: a part of its own, or both together.</summary>
    Usual,

    /// <summary>
    /// In the four steps of Faster R-CNN (Ren et al., 2015): an RPN; Fast R-CNN on its proposals; a new RPN head on that network's
    /// frozen features; Fast R-CNN's head again, on the same features and the new proposals.
    /// </summary>
    Alternating,

    /// <summary>Together, as Faster R-CNN, in a table of Fast R-CNN.</summary>
    Joint,
}
