/* SoftHSM's tokens as they once were: quicker than to make them anew. */
#ifndef HELPER_TOKENS_H
#define HELPER_TOKENS_H

void tokens_keep(void);
void tokens_put_back(void); /* without tokens_keep() before: does nothing */

#endif
