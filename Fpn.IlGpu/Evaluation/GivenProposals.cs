using Fpn.IlGpu.Data;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Proposals that were found before, for each picture of a source: what Fast R-CNN is trained on while the network that proposes
/// stays out of the comparison (paper, section 5.2).
/// </summary>
public sealed class GivenProposals
{
    private readonly Dictionary<long, Box[]> byPicture;

    private GivenProposals(Dictionary<long, Box[]> byPicture) => this.byPicture = byPicture;

    /// <summary>Sorts proposals by their pictures.</summary>
    /// <param name="found">Their classes don't count.</param>
    /// <param name="most">How many of a picture are kept, the best.</param>
    public static GivenProposals Of(IEnumerable<FoundObject> found, int most)
    {
        ArgumentNullException.ThrowIfNull(found);
        return new(found
            .GroupBy(proposal => proposal.PictureId)
            .ToDictionary(own => own.Key, own => own.OrderByDescending(p => p.Score).Take(most).Select(ToBox).ToArray()));
    }

    /// <summary>Reads a file of results, as <c>fpn proposals</c> writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pictures">Of which they are.</param>
    /// <param name="most">How many of a picture are kept, the best.</param>
    /// <exception cref="AnnotationException">It can't be read, is broken, or is of other pictures.</exception>
    public static GivenProposals Read(string path, IPictureSource pictures, int most)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        // Which pictures there are is all that reading asks of a truth.
        var truth = new EvaluationTruth(
            [.. Enumerable.Range(0, pictures.Count).Select(i => new EvaluatedPicture(pictures.IdOf(i), pictures.NameOf(i), 0, 0))], [], []);
        var results = EvaluationResults.Read(path, truth);
        return results.Objects.Count > 0
            ? Of(results.Objects, most)
            : throw new AnnotationException($"'{path}' has no proposals: there is nothing to train Fast R-CNN on.");
    }

    /// <summary>Those of a picture, in px of the picture; none if nothing was proposed.</summary>
    public IReadOnlyList<Box> OfPicture(long id) => byPicture.GetValueOrDefault(id, []);

    /// <summary>Those of a training sample, where it was mirrored and resized to, in input px.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="id">Its picture's.</param>
    public Box[] OfSample(TrainingSample sample, long id)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var (width, scaleX) = (sample.Image.Width, (float)sample.ResizedW / sample.Image.Width);
        var scaleY = (float)sample.ResizedH / sample.Image.Height;
        return [.. OfPicture(id).Select(box =>
        {
            var (left, right) = sample.IsMirrored ? (width - box.X2, width - box.X1) : (box.X1, box.X2);
            return new Box(left * scaleX, box.Y1 * scaleY, right * scaleX, box.Y2 * scaleY);
        })];
    }

    private static Box ToBox(FoundObject found)
    {
        var box = found.BoxImagePx;
        return new Box((float)box.X, (float)box.Y, (float)(box.X + box.Width), (float)(box.Y + box.Height));
    }
}
