import { Observable } from 'rxjs';

/**
 * Something that a promise brings, for as long as `use` makes use of it: given back at the end, whatever has happened, and
 * also where it comes when nobody wants it any more.
 *
 *     acquired  ----r
 *               held(acquire, release, use)
 *     values    ----a--b--|                    released at the end
 */
export const held = <R, A>(
  acquire: () => Promise<R>,
  release: (resource: R) => void,
  use: (resource: R) => Observable<A>,
): Observable<A> =>
  new Observable((out) => {
    const acquired = (resource: R): void => {
      out.add(out.closed ? undefined : use(resource).subscribe(out));
      out.add(() => release(resource)); // at once, where nobody wants it any more
    };
    acquire().then(acquired, (error: unknown) => out.error(error));
  });
